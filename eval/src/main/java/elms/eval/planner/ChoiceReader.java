package elms.eval.planner;

import elms.elastic.planner.AnswerScorer;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.engine.text.Tokenizer;
import elms.eval.Question;
import elms.planner.Plan.Span;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Answers one question in many ways: the choice with the highest log-probability a character. What was done once is not done again. */
final class ChoiceReader {
    /** A way to read and answer. */
    private record Way(List<Integer> tokens, List<Double> levels, double answer) {
        static Way of(List<Span> spans, SubModel answer) {
            return new Way(spans.stream().map(span -> Arrays.hashCode(span.tokens())).toList(),
                    spans.stream().map(span -> span.level().share()).toList(), answer.share());
        }
    }

    private final Transformer transformer;
    private final Question question;
    private final int[][] choices;
    private final Map<Way, Integer> known = new HashMap<>();

    ChoiceReader(Transformer transformer, Tokenizer tokenizer, Question question) {
        this.transformer = transformer;
        this.question = question;
        choices = question.choices().stream().map(choice -> tokenizer.encode(" " + choice).ids()).toArray(int[][]::new);
    }

    /** The number of the choice that is taken when the spans are read so, and the choices by some level. */
    int choice(List<Span> spans, SubModel answer) {
        Way way = Way.of(spans, answer);
        Integer before = known.get(way);
        if (before != null) {
            return before;
        }
        int longest = Arrays.stream(choices).mapToInt(ids -> ids.length).max().orElse(0);
        try (AnswerScorer scorer = new AnswerScorer(transformer, spans, longest)) {
            double[] sums = scorer.logProbabilities(choices, answer);
            int best = 0;
            for (int i = 1; i < sums.length; i++) {
                best = sums[i] / length(i) > sums[best] / length(best) ? i : best;
            }
            known.put(way, best);
            return best;
        }
    }

    private int length(int choice) {
        return Math.max(1, question.choices().get(choice).length());
    }
}
