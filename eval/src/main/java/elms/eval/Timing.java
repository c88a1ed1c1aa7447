package elms.eval;

import java.util.Arrays;
import java.util.OptionalDouble;

/**
 * What one process measured of one engine on one model file.
 *
 * @param decodeTokens decoded behind the prefill
 * @param prefillTokS tokens a second
 * @param decodeTokS tokens a second
 * @param startRssMb memory the process held before its first token: the JVM, its classes, the tokenizer
 * @param peakRssMb most memory the process has held, where the system tells
 */
public record Timing(String engine, int threads, int prefillTokens, int decodeTokens, Spread prefillTokS, Spread decodeTokS,
        OptionalDouble startRssMb, OptionalDouble peakRssMb) {
    /** Repeats of one measurement. */
    public record Spread(double min, double median, double max) {
        static Spread of(double... values) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            return new Spread(sorted[0], sorted[sorted.length / 2], sorted[sorted.length - 1]);
        }
    }
}
