package elms.planner;

/**
 * What the decision head's outputs stand for: first the shapes of {@link PlanShape#SEGMENTS}, then {@link PlanShape#ANSWERS}, then
 * {@link PlanShape#WORDS}.
 *
 * @param qualities how much likelier a right answer becomes than the full model's to the whole prompt; mostly below zero
 */
public record Decision(float[] qualities) {
    public static final int ANSWERS_FROM = PlanShape.SEGMENTS.size();
    public static final int WORDS_FROM = ANSWERS_FROM + PlanShape.ANSWERS.size();
    /** Number of outputs. */
    public static final int OUTPUTS = WORDS_FROM + PlanShape.WORDS.size();

    public Decision {
        if (qualities.length != OUTPUTS) {
            throw new IllegalArgumentException("a decision has " + OUTPUTS + " qualities, not " + qualities.length);
        }
    }

    double segments(int shape) {
        return qualities[shape];
    }

    /** Of the full plan: all read and answered by the full model. */
    double full() {
        return segments(0) + answer(1);
    }

    /** Of an answer by the level of that share; the nearest that is known. */
    double answer(double share) {
        int nearest = 0;
        for (int i = 1; i < PlanShape.ANSWERS.size(); i++) {
            if (Math.abs(PlanShape.ANSWERS.get(i) - share) < Math.abs(PlanShape.ANSWERS.get(nearest) - share)) {
                nearest = i;
            }
        }
        return qualities[ANSWERS_FROM + nearest];
    }

    /** Of a shape in the paper's form. */
    public double words(int shape) {
        return qualities[WORDS_FROM + shape];
    }
}
