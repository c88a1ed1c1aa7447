package elms.kernels.jdk;

import elms.kernels.Form;
import elms.kernels.KeyValues;
import elms.kernels.Kernels;
import elms.kernels.Kernels.Product;
import elms.kernels.Matrix;
import elms.kernels.MatrixPacker;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Runs kernels on small inputs until they are compiled. Vector code runs a hundred times slower before; on a thread of its
 * own this costs a start nothing, since loading a model leaves the other processors idle.
 */
final class WarmUp implements Runnable {
    private static final int ROUNDS = 1000;
    private static final int ROWS = 96;
    private static final int COLUMNS = 96;
    private static final int HEAD_DIM = 32;
    private static final int MANY_TOKENS = 13;

    private final float[] x = new float[MANY_TOKENS * COLUMNS];
    private final float[] y = new float[MANY_TOKENS * ROWS];
    private final float[] weight = new float[COLUMNS];

    @Override
    public void run() {
        loadSegmentClasses();
        try (Kernels kernels = new VectorKernels(1); KeyValues cache = kernels.newCache(1, HEAD_DIM)) {
            cache.append(x, x, MANY_TOKENS);
            for (int round = 0; round < ROUNDS; round++) {
                for (Form form : new Form[] {Form.Q4, Form.Q8}) {
                    Matrix matrix = new MatrixPacker(form, ROWS, COLUMNS).matrix();
                    pass(kernels, cache, matrix, 1);
                    if (round % 4 == 0) {
                        pass(kernels, cache, matrix, MANY_TOKENS);
                    }
                }
            }
        }
    }

    /**
     * Code that reads a memory segment is compiled for the kinds of segments and arenas loaded so far, and thrown away when
     * another comes along, in a library that draws a prompt for instance. So all kinds come first.
     */
    private static void loadSegmentClasses() {
        try (Arena confined = Arena.ofConfined(); Arena shared = Arena.ofShared()) {
            confined.allocate(Long.BYTES).copyFrom(MemorySegment.ofArray(new long[1]));
            shared.allocate(Long.BYTES).copyFrom(MemorySegment.ofArray(new byte[Long.BYTES]));
            Arena.ofAuto().allocate(Long.BYTES).copyFrom(Arena.global().allocate(Long.BYTES));
        }
    }

    private void pass(Kernels kernels, KeyValues cache, Matrix matrix, int tokens) {
        kernels.rmsNorm(x, tokens, weight, 1, x);
        kernels.matmul(x, tokens, new Product(matrix, y));
        kernels.attention(y, tokens, new int[ROWS / HEAD_DIM], cache, x);
        kernels.gatedMatmul(x, tokens, matrix, matrix, y);
        kernels.matmulAdd(x, tokens, matrix, y);
    }
}
