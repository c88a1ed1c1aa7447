package elms.planner;

/**
 * How a request may be served, beside its SLO.
 *
 * @param alone whether it has the machine to itself; an answer that takes turns with others' gets no head start
 * @param mostLoss most quality that a plan may be predicted to lose, from 0 to 1, where 1 is no bound. Quality is what the
 *        decision head was trained on: the probability of the right answer, or the likeness of a free answer to the full model's;
 *        lost is what the full plan promises more. Without a compact language model quality is not known, and nothing is bound
 */
public record Terms(boolean alone, double mostLoss) {
    public static final Terms ALONE = new Terms(true, 1);
    public static final Terms BESIDE_OTHERS = new Terms(false, 1);

    /** Whether there is a bound on quality. */
    public boolean boundsLoss() {
        return mostLoss < 1;
    }

    boolean allows(double loss) {
        return !boundsLoss() || loss <= mostLoss;
    }
}
