package elms.service;

import elms.engine.model.SubModel;
import elms.planner.LatencyModel;

/**
 * What work is predicted to take, in milliseconds: the profile of this device, corrected by what the work took of late. Nothing is
 * predicted to be faster than the profile says, so that its margin stays.
 */
final class Costs {
    /** Most streams that one step continues. */
    static final int MOST_STREAMS = 16;
    /** What each further stream adds to a step, as a share of it, before it was measured. */
    private static final double EACH_FURTHER = 0.3;
    private static final double LEARNING = 0.05;
    /** Work that took so many times longer was interrupted by something else. */
    private static final double INTERRUPTED = 4;

    private final LatencyModel latency;
    /** Time of a step of so many streams over that of one by the profile. */
    private final double[] steps = new double[MOST_STREAMS + 1];
    private double reading = 1;

    Costs(LatencyModel latency) {
        this.latency = latency;
        for (int streams = 1; streams <= MOST_STREAMS; streams++) {
            steps[streams] = 1 + EACH_FURTHER * (streams - 1);
        }
    }

    /** To read tokens behind a context. */
    double read(SubModel level, int context, int tokens) {
        return reading() * profiled(level, context, tokens);
    }

    private double profiled(SubModel level, int context, int tokens) {
        if (tokens == 0) {
            return 0;
        }
        double alone = latency.prefillMillis(level, tokens);
        double behind = latency.prefillMillis(level, context + tokens) - latency.prefillMillis(level, context);
        return context == 0 ? alone : Math.max(alone, behind);
    }

    /** To give one stream its next token. */
    double step(SubModel level, int context) {
        return step(level, 1, context);
    }

    /** To give several streams on one level their next tokens. */
    double step(SubModel level, int streams, int context) {
        return latency.decodeMillis(level, context) * Math.max(1, steps[streams]);
    }

    /** Times the profile that reading takes now, at least 1. */
    double reading() {
        return Math.max(1, reading);
    }

    /** Times the profile that a stream's own step takes now, at least 1. */
    double stepping() {
        return Math.max(1, steps[1]);
    }

    /** Learns from tokens of a prompt that were read alone. */
    void readTook(SubModel level, int context, int tokens, double millis) {
        reading += LEARNING * (Math.min(INTERRUPTED, millis / profiled(level, context, tokens)) - reading);
    }

    /** Learns from a step. */
    void stepTook(SubModel level, int streams, int context, double millis) {
        double times = Math.min(INTERRUPTED * streams, millis / latency.decodeMillis(level, context));
        steps[streams] += LEARNING * (times - steps[streams]);
    }
}
