package elms.server.soak;

import java.util.Arrays;
import java.util.List;

/**
 * Whether a figure grows from mark to mark.
 *
 * @param median of the figures
 * @param growth from the first to the last, by the median slope of all pairs (Theil and Sen), as a share of the median
 * @param steadiness standard normal score of Mann's and Kendall's test: how unlikely so many increases are without any trend
 */
public record Trend(double median, double growth, double steadiness) {
    /** Less is not worth a name. */
    private static final double MOST_GROWTH = 0.02;
    /** One-sided, 5%. */
    private static final double BY_CHANCE = 1.645;

    /** The trend of figures at equal distances. */
    static Trend of(List<Double> figures) {
        int n = figures.size();
        double[] slopes = new double[n * (n - 1) / 2];
        int pairs = 0;
        int increases = 0;
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                double rise = figures.get(j) - figures.get(i);
                slopes[pairs++] = rise / (j - i);
                increases += (int) Math.signum(rise);
            }
        }
        double deviation = Math.sqrt(n * (n - 1) * (2.0 * n + 5) / 18);
        double median = median(figures.stream().mapToDouble(Double::doubleValue).toArray());
        return new Trend(median, n < 2 ? 0 : median(slopes) * (n - 1) / median,
                n < 2 ? 0 : (increases - Math.signum(increases)) / deviation);
    }

    /** Whether there is no growth worth a name, or none that can be told from chance. */
    public boolean flat() {
        return growth <= MOST_GROWTH || steadiness <= BY_CHANCE;
    }

    private static double median(double[] figures) {
        double[] sorted = figures.clone();
        Arrays.sort(sorted);
        int n = sorted.length;
        return n == 0 ? 0 : (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    }
}
