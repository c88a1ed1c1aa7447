package elms.planner;

import java.util.OptionalDouble;

/**
 * A pair of latencies in milliseconds.
 *
 * @param ttftMillis time to first token
 * @param tpotMillis time per output token; absent below two tokens, or where none is asked for
 */
public record Latency(OptionalDouble ttftMillis, OptionalDouble tpotMillis) {
    public static Latency of(double ttftMillis, double tpotMillis) {
        return new Latency(OptionalDouble.of(ttftMillis), OptionalDouble.of(tpotMillis));
    }

    /** Whether neither time is above its limit; a limit or time that is absent is kept. */
    public boolean within(Latency limit) {
        return within(ttftMillis, limit.ttftMillis) && within(tpotMillis, limit.tpotMillis);
    }

    private static boolean within(OptionalDouble time, OptionalDouble limit) {
        return time.isEmpty() || limit.isEmpty() || time.getAsDouble() <= limit.getAsDouble();
    }
}
