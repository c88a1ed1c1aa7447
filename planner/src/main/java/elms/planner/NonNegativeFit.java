package elms.planner;

import java.util.Arrays;

/** Fits coefficients that may not be negative, by coordinate descent; for a handful of columns. */
final class NonNegativeFit {
    private static final int ROUNDS = 20_000;
    private static final int REWEIGHTED = 8;
    /** Errors below are alike. */
    private static final double LEAST_ERROR = 0.01;

    private NonNegativeFit() {}

    /**
     * Minimizes the sum of |rows[i] · x / targets[i] − 1| over x ≥ 0; targets are positive. So a measurement that something else
     * disturbed counts for no more than any other. By least squares, in which each row weighs one over its error before.
     */
    static double[] solveRelative(double[][] rows, double[] targets) {
        double[] weights = new double[rows.length];
        Arrays.fill(weights, 1);
        double[] x = solve(rows, targets, weights);
        for (int round = 0; round < REWEIGHTED; round++) {
            for (int i = 0; i < rows.length; i++) {
                double fitted = 0;
                for (int a = 0; a < x.length; a++) {
                    fitted += rows[i][a] * x[a];
                }
                weights[i] = 1 / Math.max(LEAST_ERROR, Math.abs(fitted / targets[i] - 1));
            }
            x = solve(rows, targets, weights);
        }
        return x;
    }

    /** Minimizes the sum of weights[i] · (rows[i] · x / targets[i] − 1)² over x ≥ 0. */
    private static double[] solve(double[][] rows, double[] targets, double[] weights) {
        int n = rows[0].length;
        double[] scale = new double[n];
        double[][] gram = new double[n][n];
        double[] right = new double[n];
        for (int i = 0; i < rows.length; i++) {
            for (int a = 0; a < n; a++) {
                scale[a] = Math.max(scale[a], rows[i][a] / targets[i]);
            }
        }
        for (int i = 0; i < rows.length; i++) {
            for (int a = 0; a < n; a++) {
                double u = scaled(rows[i][a] / targets[i], scale[a]);
                right[a] += weights[i] * u;
                for (int b = 0; b < n; b++) {
                    gram[a][b] += weights[i] * u * scaled(rows[i][b] / targets[i], scale[b]);
                }
            }
        }
        double[] x = new double[n];
        for (int round = 0; round < ROUNDS; round++) {
            for (int a = 0; a < n; a++) {
                double gradient = right[a];
                for (int b = 0; b < n; b++) {
                    gradient -= gram[a][b] * x[b];
                }
                x[a] = gram[a][a] == 0 ? 0 : Math.max(0, x[a] + gradient / gram[a][a]);
            }
        }
        for (int a = 0; a < n; a++) {
            x[a] = scaled(x[a], scale[a]);
        }
        return x;
    }

    private static double scaled(double value, double scale) {
        return scale == 0 ? 0 : value / scale;
    }
}
