package elms.planner;

/**
 * Times of the steps of an answer that one level gives, one after another, in milliseconds. The first ones behind a prompt or another
 * level take longer, as the processor's caches hold other weights: step i takes settled · (1 + unsettled · decay^i).
 */
public record Steps(double settled, double unsettled, double decay) {
    /** Of the first steps together. */
    public double millis(int count) {
        double geometric = decay < 1 ? (1 - Math.pow(decay, count)) / (1 - decay) : count;
        return settled * (count + unsettled * geometric);
    }

    /** Of some steps behind {@code before} others, on average. */
    public double meanMillis(int before, int count) {
        return (millis(before + count) - millis(before)) / count;
    }

    /** The mean time of a token after the first, in an answer of so many: its TPOT. */
    public double tpotMillis(int tokens) {
        return meanMillis(0, Math.max(1, tokens - 1));
    }

    Steps times(double factor) {
        return new Steps(factor * settled, unsettled, decay);
    }
}
