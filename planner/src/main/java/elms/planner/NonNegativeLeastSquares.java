package elms.planner;

/** Least squares with coefficients that may not be negative, by coordinate descent; for a handful of columns. */
final class NonNegativeLeastSquares {
    private static final int ROUNDS = 20_000;

    private NonNegativeLeastSquares() {}

    /** Minimizes the sum of (rows[i] · x / targets[i] − 1)² over x ≥ 0; targets are positive. */
    static double[] solveRelative(double[][] rows, double[] targets) {
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
                right[a] += u;
                for (int b = 0; b < n; b++) {
                    gram[a][b] += u * scaled(rows[i][b] / targets[i], scale[b]);
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
