package elms.eval;

import elms.elastic.planner.AnswerScorer;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.engine.text.Tokenizer;
import elms.planner.Plan;
import elms.planner.Plan.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How a question is answered when its prompt is read, and its answer given, at some levels: by log-probability a character, as
 * lm-evaluation-harness does. What was answered once is not answered again.
 */
public final class PlanAccuracy {
    /** What decides about an answer. */
    private record Key(List<SubModel> levels, List<Integer> tokens) {
        static Key of(List<Span> spans, SubModel answer) {
            List<Integer> tokens = spans.stream().flatMapToInt(span -> Arrays.stream(span.tokens())).boxed().toList();
            List<SubModel> levels = new ArrayList<>();
            levels.add(answer);
            spans.forEach(span -> Arrays.stream(span.tokens()).forEach(id -> levels.add(span.level())));
            return new Key(levels, tokens);
        }
    }

    private final Transformer transformer;
    private final Tokenizer tokenizer;
    private final Map<Key, Integer> known = new HashMap<>();

    public PlanAccuracy(Transformer transformer, Tokenizer tokenizer) {
        this.transformer = transformer;
        this.tokenizer = tokenizer;
    }

    /**
     * Whether the right choice is taken.
     *
     * @param answer the level that answers
     */
    public boolean right(Plan plan, SubModel answer, Question question) {
        return choice(plan.spans(), answer, question) == question.answer();
    }

    /**
     * The number of the choice that is taken.
     *
     * @param spans of the prompt, in which the question stands
     * @param answer the level that answers
     */
    public int choice(List<Span> spans, SubModel answer, Question question) {
        return known.computeIfAbsent(Key.of(spans, answer), key -> likeliest(spans, answer, question));
    }

    private int likeliest(List<Span> spans, SubModel answer, Question question) {
        int[][] choices = question.choices().stream().map(choice -> tokenizer.encode(" " + choice).ids()).toArray(int[][]::new);
        int longest = Arrays.stream(choices).mapToInt(ids -> ids.length).max().orElse(0);
        try (AnswerScorer scorer = new AnswerScorer(transformer, spans, longest)) {
            double[] scores = scorer.logProbabilities(choices, answer);
            int best = 0;
            for (int i = 0; i < scores.length; i++) {
                scores[i] /= Math.max(1, question.choices().get(i).length());
                best = scores[i] > scores[best] ? i : best;
            }
            return best;
        }
    }
}
