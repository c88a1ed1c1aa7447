package elms.elastic.planner;

import elms.engine.decode.Logits;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.engine.text.Tokenizer;
import elms.planner.Assignment;
import elms.planner.Decision;
import elms.planner.PlanShape;
import elms.planner.Prompt;
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
            best = score(scorer, exercise, answers, levels.get(0), reference).worth();
        }
        for (int shape = 0; shape < PlanShape.SEGMENTS.size(); shape++) {
            int smaller = 1 + random.nextInt(PlanShape.ANSWERS.size() - 1);
            Assignment assignment = shaper.segments(PlanShape.SEGMENTS.get(shape));
            try (AnswerScorer scorer = scorer(assignment, answers)) {
                for (int answer : random.nextBoolean() ? new int[] {0, smaller} : new int[] {0}) {
                    SubModel level = SubModel.nearest(levels, PlanShape.ANSWERS.get(answer));
                    Score score = score(scorer, exercise, answers, level, reference);
                    outcomes.add(new Outcome(new int[] {shape, Decision.ANSWERS_FROM + answer}, (float) (score.worth() - best),
                            score.right(), work(exercise.prompt(), assignment, level)));
                }
            }
        }
        for (int shape : random.ints(0, PlanShape.WORDS.size()).distinct().limit(WORDS).toArray()) {
            Assignment assignment = shaper.words(PlanShape.WORDS.get(shape));
            try (AnswerScorer scorer = scorer(assignment, answers)) {
                SubModel level = assignment.parts().get(0).level();
                Score score = score(scorer, exercise, answers, level, reference);
                outcomes.add(new Outcome(new int[] {Decision.WORDS_FROM + shape}, (float) (score.worth() - best), score.right(),
                        work(exercise.prompt(), assignment, level)));
            }
        }
        return outcomes;
    }

    private static float work(Prompt prompt, Assignment assignment, SubModel answers) {
        double read = assignment.parts().stream().mapToDouble(part -> part.tokens() * part.level().share()).sum();
        return (float) (read / prompt.tokens() + answers.share());
    }

    private AnswerScorer scorer(Assignment assignment, int[][] answers) {
        int longest = Arrays.stream(answers).mapToInt(ids -> ids.length).max().orElse(0);
        return new AnswerScorer(transformer, assignment.spans(), longest);
    }

    /** What an answer is worth, and whether the likeliest one is known to be right. */
    private record Score(double worth, boolean right) {}

    private Score score(AnswerScorer scorer, Exercise exercise, int[][] answers, SubModel level, float[] reference) {
        if (reference != null) {
            return new Score(Math.exp(-divergence(reference, scorer.logits(answers[0], level), answers[0].length)), false);
        }
        double mean = exercise.answers().stream().mapToInt(String::length).average().orElse(1);
        float[] scores = new float[answers.length];
        double[] sums = scorer.logProbabilities(answers, level);
        int best = 0;
        for (int i = 0; i < scores.length; i++) {
            scores[i] = (float) (sums[i] * mean / Math.max(1, exercise.answers().get(i).length()));
            best = scores[i] > scores[best] ? i : best;
        }
        double right = Math.exp(scores[exercise.right()] - Logits.logSumExp(scores, 0, scores.length));
        return new Score(right, best == exercise.right());
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
}
