package elms.planner;

import elms.engine.model.SubModel;
import elms.planner.LatencyModel.Part;
import java.util.List;

/**
 * What work will take on this device now: its profile, corrected by what it took lately. A promise is a 95th percentile, of the
 * profile until enough was measured to tell it, then of that. Thread-safe.
 */
public final class Forecast {
    private final LatencyModel profile;
    private final Correction prefill = new Correction();
    private final Correction decode = new Correction();

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
    public void stepsTook(SubModel level, int context, int before, int count, double millis) {
        decode.observe(profile.steps(level, context).meanMillis(before, count) / profile.decodeMargin(), millis);
    }

    /** Forgets what it learnt, as after requests that only warmed the machine up. */
    public void forget() {
        prefill.forget();
        decode.forget();
    }
}
