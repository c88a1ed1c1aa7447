package elms.kernels;

/**
 * Keys and values of one layer, for all its key/value heads, in pages of {@value #PAGE} positions that are added as they are
 * needed. Only the provider that made a cache can attend to it. Both halves of a page are laid out as a matrix multiplication
 * reads its weights, 16 lanes wide:
 *
 * <ul>
 *   <li>keys: {@code [head][position / 16][headDim][16 positions]}, so that 16 scores are computed side by side
 *   <li>values: {@code [head][dim / 16][PAGE positions][16 dims]}, so that 16 outputs are
 * </ul>
 */
public interface KeyValues extends AutoCloseable {
    /** Positions in a page. Attention is summed page by page, in this order at any batch size. */
    int PAGE = 128;

    /** Positions or dimensions that stand side by side. */
    int LANES = 16;

    int heads();

    int headDim();

    /** Positions stored. */
    int length();

    /** Appends rows of heads · headDim floats, one a position. */
    void append(float[] keys, float[] values, int tokens);

    /** Forgets the positions from {@code length} on. */
    void truncate(int length);

    /** Another cache of the first {@code length} positions. It shares their memory until one of the two writes to it. */
    KeyValues fork(int length);

    /** Bytes of its pages, those that it shares included. */
    long bytes();

    /** Gives the memory back; the cache is empty then. One that is not closed is left to the garbage collector. */
    @Override
    void close();

    default int pages() {
        return (length() + PAGE - 1) / PAGE;
    }

    /** Panels of 16 dimensions. */
    static int panels(int headDim) {
        return (headDim + LANES - 1) / LANES;
    }

    /** Where in a key page the positions {@code 16·panel ...} of a head begin: {@code [headDim][16]}. */
    default int keyPanel(int head, int panel) {
        return (head * (PAGE / LANES) + panel) * headDim() * LANES;
    }

    /** Where in a value page the dimensions {@code 16·panel ...} of a head begin: {@code [PAGE][16]}. */
    default int valuePanel(int head, int panel) {
        return (head * panels(headDim()) + panel) * PAGE * LANES;
    }
}
