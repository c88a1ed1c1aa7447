package elms.kernels.jdk;

import elms.kernels.Adapter;
import elms.kernels.Form;
import elms.kernels.Matrix;
import elms.kernels.Workers;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;

/** The kernels for prompts of a tier that multiplies tiles, where adapters are a part of the multiplications that they correct. */
final class TileKernels extends NativeKernels {
    /** Tokens of two tiles, which are multiplied together. */
    private static final int TOKENS = 32;

    private final TileAdapters adapters;
    private final Workers workers;

    TileKernels(NativeLibrary library, String tier, Workers workers) {
        super(library, Rounding.TILES, tier, workers, Optional.empty());
        this.adapters = new TileAdapters(library);
        this.workers = workers;
    }

    @Override
    public void matmul(float[] x, int tokens, Adapter adapter, Product... products) {
        if (inTiles(adapter, Arrays.stream(products).map(Product::weights).toArray(Matrix[]::new))) {
            round(x, tokens, adapter, false);
            multiply(x, tokens, adapter.columns(), products);
        } else {
            super.matmul(x, tokens, adapter, products);
        }
    }

    @Override
    public void gatedMatmul(float[] x, int tokens, Adapter adapter, Matrix gate, Matrix up, float[] out) {
        if (inTiles(adapter, gate, up)) {
            requireColumns(gate, adapter.columns());
            round(x, tokens, adapter, false);
            multiplyGated(x, tokens, gate, up, out);
        } else {
            super.gatedMatmul(x, tokens, adapter, gate, up, out);
        }
    }

    @Override
    public void matmulAdd(float[] x, int tokens, Matrix weights, Adapter adapter, float[] y) {
        if (!inTiles(adapter, weights)) {
            super.matmulAdd(x, tokens, weights, adapter, y);
            return;
        }
        requireColumns(weights, adapter.columns());
        int columns = round(x, tokens, adapter, true);
        multiply(tokens, columns, 1, pairs(weights), Optional.empty(), (first, last, part, worker) ->
                adapters.matmulAdd(weights, adapter, rounded(part, columns, 1), part.count(), first, last, scratch(worker, 0),
                        part.of(y, weights.rows())));
    }

    /** Whether there is something of low rank to multiply, and matrices that tiles are made of. */
    private static boolean inTiles(Adapter adapter, Matrix... matrices) {
        return adapter.rank() > 0 && Arrays.stream(matrices).noneMatch(matrix -> matrix.form() == Form.F32);
    }

    /**
     * Rounds activations, corrected by an adapter, or followed by what the adapter beside their matrix makes of them.
     *
     * @return columns of the result
     */
    private int round(float[] x, int tokens, Adapter adapter, boolean beside) {
        int columns = Matrix.blocks(adapter.columns()) * Matrix.BLOCK_COLUMNS + (beside ? TileAdapters.columns(adapter) : 0);
        MemorySegment out = roomToRound(tokens, columns, 1);
        int count = Math.ceilDiv(Math.ceilDiv(tokens, workers.count()), TOKENS) * TOKENS;
        workers.run(Math.ceilDiv(tokens, count), (task, worker) -> adapters.quantize(adapter, beside, x, task * count,
                Math.min(tokens, (task + 1) * count), scratch(worker, TileAdapters.bytes(adapter)), out));
        return columns;
    }
}
