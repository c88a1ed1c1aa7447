package elms.eval.baseline;

/** How alike two directions are. */
final class Cosine {
    private Cosine() {}

    /** The cosine between the same stretch of two arrays. */
    static double of(float[] a, float[] b, int from, int length) {
        double product = 0;
        double aSquared = 0;
        double bSquared = 0;
        for (int i = from; i < from + length; i++) {
            product += a[i] * b[i];
            aSquared += a[i] * a[i];
            bSquared += b[i] * b[i];
        }
        return product / Math.sqrt(aSquared * bSquared);
    }
}
