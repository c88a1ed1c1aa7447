package elms.kernels.jdk;

import elms.kernels.Adapter;
import elms.kernels.Form;
import elms.kernels.Matrix;
import elms.kernels.Workers;
import elms.kernels.jdk.TileInputs.Input;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * The kernels for prompts of a tier that multiplies tiles, where adapters are a part of the multiplications that they correct. Workers
 * multiply different rows of the matrices, and a line of memory that two of them write in turn travels from one to the other each time. So
 * what they have computed becomes rows token by token, as all else is done with these.
 */
final class TileKernels extends NativeKernels {
    /** Of fewer tokens, a second region takes longer than the lines that travel. */
    private static final int APART_TOKENS = 64;

    private final TileFunctions tiles;
    private final TileInputs inputs;
    /** Of all workers, or each worker's own. */
    private final MemorySegment[] products;

    TileKernels(NativeLibrary library, String tier, Workers workers) {
        super(library, Rounding.TILES, tier, workers, Optional.empty());
        this.tiles = new TileFunctions(library);
        this.inputs = new TileInputs(functions(), tiles, workers);
        this.products = noMemory(workers);
    }

    @Override
    public void matmul(float[] x, int tokens, Product... matrices) {
        int columns = matrices[0].weights().columns();
        if (inTiles(matrices)) {
            multiply(tokens, inputs.plain(x, tokens, columns), rows(columns, matrices));
        } else {
            super.matmul(x, tokens, matrices);
        }
    }

    @Override
    public void matmul(float[] x, int tokens, Norm norm, float[] normed, Product... matrices) {
        if (inTiles(norm) && inTiles(matrices)) {
            multiply(tokens, inputs.normed(x, tokens, norm), rows(norm.weight().length, matrices));
        } else {
            super.matmul(x, tokens, norm, normed, matrices);
        }
    }

    @Override
    public void gatedMatmul(float[] x, int tokens, Matrix gate, Matrix up, float[] out) {
        if (inTiles(gate) && inTiles(up)) {
            multiply(tokens, inputs.plain(x, tokens, gate.columns()), gated(gate.columns(), gate, up, out));
        } else {
            super.gatedMatmul(x, tokens, gate, up, out);
        }
    }

    @Override
    public void gatedMatmul(float[] x, int tokens, Norm norm, float[] normed, Matrix gate, Matrix up, float[] out) {
        if (inTiles(norm) && inTiles(gate) && inTiles(up)) {
            multiply(tokens, inputs.normed(x, tokens, norm), gated(norm.weight().length, gate, up, out));
        } else {
            super.gatedMatmul(x, tokens, norm, normed, gate, up, out);
        }
    }

    @Override
    public void matmulAdd(float[] x, int tokens, Matrix weights, float[] y) {
        if (inTiles(weights)) {
            multiply(tokens, inputs.plain(x, tokens, weights.columns()), rows(weights, Optional.empty(), true, y));
        } else {
            super.matmulAdd(x, tokens, weights, y);
        }
    }

    @Override
    public void matmulAdd(float[] x, int tokens, Matrix weights, Adapter adapter, float[] y) {
        if (adapter.rank() > 0 && inTiles(weights)) {
            requireColumns(weights, adapter.columns());
            multiply(tokens, inputs.beside(x, tokens, adapter), rows(weights, Optional.of(adapter), true, y));
        } else {
            super.matmulAdd(x, tokens, weights, adapter, y);
        }
    }

    private static boolean inTiles(Product... products) {
        for (Product product : products) {
            if (!inTiles(product.weights())) {
                return false;
            }
        }
        return true;
    }

    /** Whether its adapter is more than a bias. */
    private static boolean inTiles(Norm norm) {
        return norm.adapter().isEmpty() || norm.adapter().get().rank() > 0;
    }

    /** Whether tiles are made of a matrix. */
    private static boolean inTiles(Matrix matrix) {
        return matrix.form() != Form.F32;
    }

    /** Multiplies rounded activations with some pieces of matrices; the first of them has its products at the beginning of out. */
    @FunctionalInterface
    private interface Multiplication {
        void run(MemorySegment x, int tokens, int first, int last, int worker, MemorySegment out);
    }

    /**
     * What becomes rows.
     *
     * @param pieces it is computed in
     * @param numbers of a piece, a token
     * @param width of a row
     * @param add whether it is added to what the rows are
     */
    private record Rows(Multiplication multiplication, int pieces, int numbers, int width, boolean add, float[] out) {
        long bytes(int some, int tokens) {
            return some * TileFunctions.bytes(numbers, tokens);
        }
    }

    private Rows[] rows(int columns, Product... products) {
        Rows[] rows = new Rows[products.length];
        for (int i = 0; i < rows.length; i++) {
            requireColumns(products[i].weights(), columns);
            rows[i] = rows(products[i].weights(), Optional.empty(), false, products[i].out());
        }
        return rows;
    }

    private Rows rows(Matrix weights, Optional<Adapter> beside, boolean add, float[] out) {
        return new Rows((x, tokens, first, last, worker, to) -> tiles.products(weights, beside, x, tokens, first, last, to), pairs(weights),
                PAIR_ROWS, weights.rows(), add, out);
    }

    private Rows gated(int columns, Matrix gate, Matrix up, float[] out) {
        requireColumns(gate, columns);
        requireColumns(up, columns);
        return new Rows((x, tokens, first, last, worker, to) -> tiles.gated(gate, up, x, tokens, first, last,
                scratch(worker, TileFunctions.bytes(PAIR_ROWS, tokens)), to), gate.panels(), Matrix.PANEL_ROWS, gate.rows(), false, out);
    }

    /** Computes rows: piece by piece, or when everything is multiplied. */
    private void multiply(int tokens, Input input, Rows... all) {
        int[] pieces = new int[all.length];
        long[] at = new long[all.length + 1];
        for (int i = 0; i < all.length; i++) {
            pieces[i] = all[i].pieces;
            at[i + 1] = at[i] + all[i].bytes(pieces[i], tokens);
        }
        if (threads() == 1 || parts(tokens) > 1 || tokens < APART_TOKENS) {
            multiplyEach(tokens, input.columns(), 1, pieces, (index, first, last, part, worker) -> {
                Rows rows = all[index];
                products[worker] = room(products[worker], rows.bytes(last - first, part.count()));
                rows.multiplication.run(input.of(part, worker), part.count(), first, last, worker, products[worker]);
                tiles.spread(products[worker], rows.numbers, last - first, part.count(), 0, part.count(), rows.add, first * rows.numbers,
                        rows.width, part.of(rows.out, rows.width));
            });
            return;
        }
        products[0] = room(products[0], at[all.length]);
        multiplyEach(tokens, input.columns(), 1, pieces, (index, first, last, part, worker) -> all[index].multiplication.run(
                input.of(part, worker), tokens, first, last, worker, products[0].asSlice(at[index] + all[index].bytes(first, tokens))));
        forTokens(tokens, (first, last) -> {
            for (int i = 0; i < all.length; i++) {
                Rows rows = all[i];
                tiles.spread(products[0].asSlice(at[i]), rows.numbers, rows.pieces, tokens, first, last, rows.add, 0, rows.width,
                        MemorySegment.ofArray(rows.out));
            }
        });
    }
}
