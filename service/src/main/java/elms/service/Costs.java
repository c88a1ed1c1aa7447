package elms.service;

import elms.engine.model.SubModel;
import elms.planner.LatencyModel;

/** What work is predicted to take, in milliseconds: the profile of this device, and what steps of several streams took. */
final class Costs {
    /** Most streams that one step continues. */
    static final int MOST_STREAMS = 16;
    /** What each further stream adds to a step, as a share of it, before it was measured. */
    private static final double EACH_FURTHER = 0.3;
    private static final double LEARNING = 0.05;
    /** A step that took longer than so many steps of each stream alone was interrupted by something else. */
    private static final double MOST_FACTOR = 2;

    private final LatencyModel latency;
    private final double[] factors = new double[MOST_STREAMS + 1];

    Costs(LatencyModel latency) {
        this.latency = latency;
        for (int streams = 1; streams <= MOST_STREAMS; streams++) {
            factors[streams] = 1 + EACH_FURTHER * (streams - 1);
        }
    }

    /** To read tokens behind a context. */
    double read(SubModel level, int context, int tokens) {
        if (tokens == 0) {
            return 0;
        }
        double alone = latency.prefillMillis(level, tokens);
        double behind = latency.prefillMillis(level, context + tokens) - latency.prefillMillis(level, context);
        return context == 0 ? alone : Math.max(alone, behind);
    }

    /** To give one stream its next token. */
    double step(SubModel level, int context) {
        return latency.decodeMillis(level, context);
    }

    /** To give several streams on one level their next tokens. */
    double step(SubModel level, int streams, int context) {
        int full = streams / MOST_STREAMS;
        int rest = streams % MOST_STREAMS;
        return step(level, context) * (full * factors[MOST_STREAMS] + factors[rest]);
    }

    /** Learns from a step. */
    void took(SubModel level, int streams, int context, double millis) {
        double factor = Math.min(MOST_FACTOR * streams, millis / step(level, context));
        factors[streams] += streams == 1 ? 0 : LEARNING * (factor - factors[streams]);
    }
}
