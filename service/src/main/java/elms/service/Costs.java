package elms.service;

import elms.engine.model.SubModel;
import elms.planner.Forecast;
import elms.planner.LatencyModel.Part;
import elms.planner.Steps;
import java.util.List;

/**
 * What work is predicted to take, in milliseconds: the device's forecast, and what steps of several streams took. What the engine
 * measures comes in here.
 */
final class Costs {
    /** Most streams that one step continues. */
    static final int MOST_STREAMS = 16;
    /** What each further stream adds to a step, as a share of it, before it was measured. */
    private static final double EACH_FURTHER = 0.3;
    private static final double LEARNING = 0.05;
    /** A step that took longer than so many steps of each stream alone was interrupted by something else. */
    private static final double MOST_FACTOR = 2;
    private static final int TELLING = 32;

    private final Forecast forecast;
    private final double[] factors = new double[MOST_STREAMS + 1];
    private final Waking waking;
    /** The level of the last step, if no prompt was read by itself since, and its steps before. */
    private SubModel stepped;
    private int steps;

    Costs(Forecast forecast) {
        this.forecast = forecast;
        waking = new Waking(forecast.profile().overhead().ttftMillis());
        for (int streams = 1; streams <= MOST_STREAMS; streams++) {
            factors[streams] = 1 + EACH_FURTHER * (streams - 1);
        }
    }

    /** To read tokens behind a context, 95 times of 100. */
    double read(SubModel level, int context, int tokens) {
        return tokens == 0 ? 0 : forecast.prefillMillis(context, List.of(new Part(level, tokens)));
    }

    /** To read them on average. */
    double likelyRead(SubModel level, int context, int tokens) {
        return tokens == 0 ? 0 : forecast.expectedPrefillMillis(context, List.of(new Part(level, tokens)));
    }

    /** To give one stream its next token, behind others of its level. */
    double step(SubModel level, int context) {
        return forecast.steps(level, context).settled();
    }

    /** To give several streams on one level their next tokens. */
    double step(SubModel level, int streams, int context) {
        int full = streams / MOST_STREAMS;
        int rest = streams % MOST_STREAMS;
        return step(level, context) * (full * factors[MOST_STREAMS] + factors[rest]);
    }

    /** What a request takes more that is planned now, where nothing was computed for a while. */
    double waking(double now) {
        return waking.millis(now);
    }

    /** Notes that a job starts, with its plan. */
    void starts(Job job, double now) {
        Steps full = forecast.steps(job.largest(), job.plan().promptTokens() + job.call().longest() / 2);
        double promised = job.plan().predicted().ttftMillis().orElse(0) - job.plan().answering().heldMillis(full);
        waking.starts(job.call(), job.call().arrival() + promised, now);
    }

    /** Notes that the prompt of a job has been read. */
    void answers(Job job, double now) {
        waking.read(job.call(), now);
    }

    /** Notes that a pass has ended. */
    void worked(double now) {
        waking.worked(now);
    }

    /**
     * Learns from tokens that were read behind a context. A few tell more of the machine's noise than of its speed.
     *
     * @param began when, on the service's clock
     */
    void readTook(SubModel level, int context, int tokens, double began, double millis) {
        stepped = null;
        if (tokens >= TELLING && !waking.rested(began)) {
            forecast.readTook(context, List.of(new Part(level, tokens)), millis);
        }
    }

    /** Learns from a step. */
    void stepTook(SubModel level, int streams, int context, double millis) {
        steps = level.equals(stepped) ? steps + 1 : 0;
        stepped = level;
        if (streams == 1) {
            forecast.stepsTook(level, context, steps, 1, millis);
        }
        double factor = Math.min(MOST_FACTOR * streams, millis / step(level, context));
        factors[streams] += streams == 1 ? 0 : LEARNING * (factor - factors[streams]);
    }

    /** Forgets how fast the machine has become, as after requests that only warmed it up. */
    void forget() {
        forecast.forget();
        waking.forget();
    }
}
