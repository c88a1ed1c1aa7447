package elms.eval;

import elms.elastic.planner.AnswerScorer;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.engine.text.Tokenizer;
import elms.planner.Answering;
import elms.planner.Plan.Span;
import java.util.Arrays;
import java.util.List;

/**
 * How a question is answered when its prompt is read, and its answer given, at some levels: by log-probability a character, as
 * lm-evaluation-harness does. What was answered once is not answered again.
 */
public final class PlanAccuracy {
    private final Transformer transformer;
    private final SubModel full;
    private final Tokenizer tokenizer;
    private final AnswerStore known;

    /**
     * @param full the full model
     * @param known what was answered before, and will be now
     */
    public PlanAccuracy(Transformer transformer, SubModel full, Tokenizer tokenizer, AnswerStore known) {
        this.transformer = transformer;
        this.full = full;
        this.tokenizer = tokenizer;
        this.known = known;
    }

    /** Whether the right choice is taken, as {@link #choice}. */
    public boolean right(List<Span> spans, Answering answering, Question question) {
        return choice(spans, answering, question) == question.answer();
    }

    /**
     * The number of the choice that is taken.
     *
     * @param spans of the prompt, in which the question stands
     * @param answering who gives the tokens of each choice
     */
    public int choice(List<Span> spans, Answering answering, Question question) {
        int[][] choices = question.choices().stream().map(choice -> tokenizer.encode(" " + choice).ids()).toArray(int[][]::new);
        int longest = Arrays.stream(choices).mapToInt(ids -> ids.length).max().orElse(0);
        Answering told = answering.fullTokens() < longest ? answering : Answering.steady(full);
        AnswerStore.Key key = AnswerStore.Key.of(spans, told, question.choices());
        float[] scores = known.find(key).orElseGet(() -> {
            float[] measured = scores(spans, told, question, choices, longest);
            known.add(key, measured);
            return measured;
        });
        int best = 0;
        for (int i = 1; i < scores.length; i++) {
            best = scores[i] > scores[best] ? i : best;
        }
        return best;
    }

    /** Log-probability a character of each choice. */
    private float[] scores(List<Span> spans, Answering answering, Question question, int[][] choices, int longest) {
        try (AnswerScorer scorer = new AnswerScorer(transformer, spans, longest)) {
            double[] sums = scorer.logProbabilities(choices, answering, full);
            float[] scores = new float[sums.length];
            for (int i = 0; i < scores.length; i++) {
                scores[i] = (float) (sums[i] / Math.max(1, question.choices().get(i).length()));
            }
            return scores;
        }
    }
}
