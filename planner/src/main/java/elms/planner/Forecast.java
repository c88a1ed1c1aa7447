package elms.planner;

import elms.engine.model.SubModel;
import elms.planner.LatencyModel.Part;
import java.util.List;

/**
 * What work will take on this device now: its profile, corrected by what it took lately. A promise is a 95th percentile, of the
 * profile until enough was measured to tell it, then of that. Thread-safe.
 */
public final class Forecast {
    /** Decode steps that are judged together: what interrupts one of them is a part of what an answer takes. */
    private static final int STEPS = 8;

    private final LatencyModel profile;
    private final Correction prefill = new Correction();
    private final Correction decode = new Correction();
    /** Steps that are not judged yet, and what they were predicted to take, and took. */
    private int steps;
    private double predicted;
    private double measured;

    public Forecast(LatencyModel profile) {
        this.profile = profile;
    }

    /** What the device was measured to do when nothing else ran. */
    public LatencyModel profile() {
        return profile;
    }

    /** As {@link LatencyModel#prefillMillis(int, List)}. */
    public double prefillMillis(int cached, List<Part> parts) {
        return prefill.promised(profile.prefillMargin()) * profile.prefillMillis(cached, parts) / profile.prefillMargin();
    }

    /** As {@link LatencyModel#steps}. */
    public Steps steps(SubModel level, int context) {
        return profile.steps(level, context).times(decode.promised(profile.decodeMargin()) / profile.decodeMargin());
    }

    /** Mean time to read the parts of a prompt. */
    public double expectedPrefillMillis(int cached, List<Part> parts) {
        return prefill.factor() * profile.prefillMillis(cached, parts) / profile.prefillMargin();
    }

    /** Mean times of steps. */
    public Steps expectedSteps(SubModel level, int context) {
        return profile.steps(level, context).times(decode.factor() / profile.decodeMargin());
    }

    /** Learns from a prompt that was read. */
    public void readTook(int cached, List<Part> parts, double millis) {
        prefill.observe(profile.prefillMillis(cached, parts) / profile.prefillMargin(), millis);
    }

    /**
     * Learns from decode steps.
     *
     * @param before steps of the same level that came before them
     * @param millis of one of them, on average
     */
    public synchronized void stepsTook(SubModel level, int context, int before, int count, double millis) {
        steps += count;
        predicted += count * profile.steps(level, context).meanMillis(before, count) / profile.decodeMargin();
        measured += count * millis;
        if (steps >= STEPS) {
            decode.observe(predicted, measured);
            judgeFromNowOn();
        }
    }

    /** Forgets what it learnt, as after requests that only warmed the machine up. */
    public synchronized void forget() {
        prefill.forget();
        decode.forget();
        judgeFromNowOn();
    }

    private void judgeFromNowOn() {
        steps = 0;
        predicted = 0;
        measured = 0;
    }
}
