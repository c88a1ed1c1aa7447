package elms.eval;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How one system differs from another on the same samples.
 *
 * @param mean of the strata's mean differences, each stratum counted alike
 * @param stderr standard error of the mean, sample by sample
 */
public record PairedDifference(double mean, double stderr) {
    /**
     * Compares two systems.
     *
     * @param own values of one of them, stratum by stratum
     * @param other values of the other on the same samples
     */
    public static PairedDifference of(List<double[]> own, List<double[]> other) {
        double mean = 0;
        double variance = 0;
        for (int stratum = 0; stratum < own.size(); stratum++) {
            double[] a = own.get(stratum);
            double[] b = other.get(stratum);
            double[] differences = IntStream.range(0, a.length).mapToDouble(i -> a[i] - b[i]).toArray();
            double average = Arrays.stream(differences).average().orElse(0);
            double squares = Arrays.stream(differences).map(difference -> (difference - average) * (difference - average)).sum();
            mean += average / own.size();
            variance += squares / Math.max(1, a.length - 1) / Math.max(1, a.length) / own.size() / own.size();
        }
        return new PairedDifference(mean, Math.sqrt(variance));
    }
}
