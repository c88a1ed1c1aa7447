package elms.elastic.planner;

import elms.engine.decode.Logits;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.engine.text.Tokenizer;
import elms.planner.Assignment;
import elms.planner.Decision;
import elms.planner.PlanShape;
import elms.planner.Shaper;
import elms.planner.compact.Opinion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Measures what shapes of plans are worth for a prompt. Where the right answer is known among several, that is the right one's
 * probability among them, each choice's log-probability taken by its length; else the exponential of minus the divergence from the
 * full model on the answer (KL, a token). Both are relative to the full model's with the whole prompt. Logarithms would be ruled by
 * the few questions that a plan gets confidently wrong.
 */
final class Outcomes {
    /** Shapes in the paper's form that are measured for a prompt, of all. */
    private static final int WORDS = 6;
    private static final int LONGEST_ANSWER = 24;

    /**
     * What was measured: outputs of the decision head that are added up to a worth.
     *
     * @param outputs numbers of one or two outputs
     */
    record Outcome(int[] outputs, float worth) {
        private static final int NONE = -1;
        private static final int NUMBERS = 3;

        /** Outcomes as a row of numbers. */
        static float[] numbers(List<Outcome> outcomes) {
            float[] numbers = new float[NUMBERS * outcomes.size()];
            for (int i = 0; i < outcomes.size(); i++) {
                int[] outputs = outcomes.get(i).outputs;
                numbers[NUMBERS * i] = outputs[0];
                numbers[NUMBERS * i + 1] = outputs.length > 1 ? outputs[1] : NONE;
                numbers[NUMBERS * i + 2] = outcomes.get(i).worth;
            }
            return numbers;
        }

        /** And back. */
        static List<Outcome> of(float[] numbers) {
            List<Outcome> outcomes = new ArrayList<>();
            for (int i = 0; i < numbers.length; i += NUMBERS) {
                int first = (int) numbers[i];
                int second = (int) numbers[i + 1];
                outcomes.add(new Outcome(second == NONE ? new int[] {first} : new int[] {first, second}, numbers[i + 2]));
            }
            return outcomes;
        }
    }

    private final Transformer transformer;
    private final List<SubModel> levels;
    private final Tokenizer tokenizer;

    /**
     * @param levels largest first
     */
    Outcomes(Transformer transformer, List<SubModel> levels, Tokenizer tokenizer) {
        this.transformer = transformer;
        this.levels = levels;
        this.tokenizer = tokenizer;
    }

    /** Measures all shapes of segments with the full model that answers, half of them with a smaller level too, and some of words. */
    List<Outcome> measure(Exercise exercise, Opinion opinion, Random random) {
        Shaper shaper = new Shaper(exercise.prompt(), opinion, levels);
        int[][] answers = exercise.answers().stream().map(answer -> tokenizer.encode(answer).ids())
                .map(ids -> Arrays.copyOf(ids, Math.min(ids.length, LONGEST_ANSWER))).toArray(int[][]::new);
        List<Outcome> outcomes = new ArrayList<>();
        float[] reference;
        double best;
        try (AnswerScorer scorer = scorer(Assignment.all(exercise.prompt(), levels.get(0)), answers)) {
            reference = answers.length == 1 ? scorer.logits(answers[0], levels.get(0)) : null;
            best = worth(scorer, exercise, answers, levels.get(0), reference);
        }
        for (int shape = 0; shape < PlanShape.SEGMENTS.size(); shape++) {
            int smaller = 1 + random.nextInt(PlanShape.ANSWERS.size() - 1);
            try (AnswerScorer scorer = scorer(shaper.segments(PlanShape.SEGMENTS.get(shape)), answers)) {
                for (int answer : random.nextBoolean() ? new int[] {0, smaller} : new int[] {0}) {
                    double worth = worth(scorer, exercise, answers, nearest(PlanShape.ANSWERS.get(answer)), reference);
                    outcomes.add(new Outcome(new int[] {shape, Decision.ANSWERS_FROM + answer}, (float) (worth - best)));
                }
            }
        }
        for (int shape : random.ints(0, PlanShape.WORDS.size()).distinct().limit(WORDS).toArray()) {
            Assignment assignment = shaper.words(PlanShape.WORDS.get(shape));
            try (AnswerScorer scorer = scorer(assignment, answers)) {
                double worth = worth(scorer, exercise, answers, assignment.parts().get(0).level(), reference);
                outcomes.add(new Outcome(new int[] {Decision.WORDS_FROM + shape}, (float) (worth - best)));
            }
        }
        return outcomes;
    }

    private AnswerScorer scorer(Assignment assignment, int[][] answers) {
        return new AnswerScorer(transformer, assignment.spans(), Arrays.stream(answers).mapToInt(ids -> ids.length).max().orElse(0));
    }

    private double worth(AnswerScorer scorer, Exercise exercise, int[][] answers, SubModel level, float[] reference) {
        if (reference != null) {
            return Math.exp(-divergence(reference, scorer.logits(answers[0], level), answers[0].length));
        }
        double mean = exercise.answers().stream().mapToInt(String::length).average().orElse(1);
        float[] scores = new float[answers.length];
        double[] sums = scorer.logProbabilities(answers, level);
        for (int i = 0; i < scores.length; i++) {
            scores[i] = (float) (sums[i] * mean / Math.max(1, exercise.answers().get(i).length()));
        }
        return Math.exp(scores[exercise.right()] - Logits.logSumExp(scores, 0, scores.length));
    }

    private static double divergence(float[] reference, float[] own, int rows) {
        int vocabulary = reference.length / rows;
        double sum = 0;
        for (int row = 0; row < rows; row++) {
            double referenceSum = Logits.logSumExp(reference, row * vocabulary, vocabulary);
            double ownSum = Logits.logSumExp(own, row * vocabulary, vocabulary);
            for (int i = row * vocabulary; i < (row + 1) * vocabulary; i++) {
                double log = reference[i] - referenceSum;
                sum += Math.exp(log) * (log - (own[i] - ownSum));
            }
        }
        return sum / rows;
    }

    private SubModel nearest(double share) {
        return SubModel.nearest(levels, share);
    }
}
