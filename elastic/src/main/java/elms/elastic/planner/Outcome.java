package elms.elastic.planner;

import java.util.ArrayList;
import java.util.List;

/**
 * What came of a plan that was tried on a prompt.
 *
 * @param outputs numbers of the one or two outputs of the decision head that are added up to the plan's worth
 * @param worth of its answer, less that of the full model's to the whole prompt
 * @param right whether its answer is right; never, where it is not known which one is
 * @param work of reading and of answering, each as a share of the full model's with the whole prompt, added up
 */
record Outcome(int[] outputs, float worth, boolean right, float work) {
    private static final int NONE = -1;
    private static final int NUMBERS = 5;

    /** Outcomes as a row of numbers. */
    static float[] numbers(List<Outcome> outcomes) {
        float[] numbers = new float[NUMBERS * outcomes.size()];
        for (int i = 0; i < outcomes.size(); i++) {
            Outcome outcome = outcomes.get(i);
            numbers[NUMBERS * i] = outcome.outputs[0];
            numbers[NUMBERS * i + 1] = outcome.outputs.length > 1 ? outcome.outputs[1] : NONE;
            numbers[NUMBERS * i + 2] = outcome.worth;
            numbers[NUMBERS * i + 3] = outcome.right ? 1 : 0;
            numbers[NUMBERS * i + 4] = outcome.work;
        }
        return numbers;
    }

    /** And back. */
    static List<Outcome> of(float[] numbers) {
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < numbers.length; i += NUMBERS) {
            int first = (int) numbers[i];
            int second = (int) numbers[i + 1];
            outcomes.add(new Outcome(second == NONE ? new int[] {first} : new int[] {first, second}, numbers[i + 2],
                    numbers[i + 3] > 0, numbers[i + 4]));
        }
        return outcomes;
    }

    /** The same plan with another worth. */
    Outcome worth(float other) {
        return new Outcome(outputs, other, right, work);
    }
}
