package elms.kernels.jdk;

import elms.kernels.Adapter;
import elms.kernels.Kernels.Norm;
import elms.kernels.Matrix;
import elms.kernels.Workers;
import elms.kernels.jdk.NativeKernels.Part;
import java.lang.foreign.MemorySegment;

/**
 * Rounds activations for multiplications in tiles, each worker some of the tokens. So few that two workers could not part them are
 * rounded by every worker for itself, when it is about to multiply them: that takes less time than to wait for another, and to read what
 * that one wrote.
 */
final class TileInputs {
    /** Tokens of two tiles, which are multiplied together. */
    private static final int TOKENS = 32;

    private final NativeFunctions functions;
    private final TileFunctions tiles;
    private final Workers workers;
    private MemorySegment shared = MemorySegment.NULL;
    /** Each worker's own: what it rounded for itself, what adapters need for that, and norms of all tokens, of which it fills some. */
    private final MemorySegment[] own;
    private final MemorySegment[] scratch;
    private final float[][] normed;

    TileInputs(NativeFunctions functions, TileFunctions tiles, Workers workers) {
        this.functions = functions;
        this.tiles = tiles;
        this.workers = workers;
        this.own = NativeKernels.noMemory(workers);
        this.scratch = NativeKernels.noMemory(workers);
        this.normed = new float[workers.count()][0];
    }

    /** Rounded activations of some tokens, for a worker that multiplies them; good until the next ones are made. */
    @FunctionalInterface
    private interface Reader {
        MemorySegment read(Part part, int worker);
    }

    /**
     * Rounded activations.
     *
     * @param columns of each token, those of an adapter beside it included
     */
    record Input(int columns, Reader reader) {
        MemorySegment of(Part part, int worker) {
            return reader.read(part, worker);
        }
    }

    /** Rounds tokens {@code [first, last)}, the first a multiple of 32, to where all of them go. */
    @FunctionalInterface
    private interface Rounder {
        void round(int first, int last, int worker, MemorySegment out);
    }

    Input plain(float[] x, int tokens, int columns) {
        return round(tokens, columns, (first, last, worker, out) -> functions.quantize(x, columns, 1, first, last, out));
    }

    /** Each token followed by what the adapter beside its matrix makes of it. */
    Input beside(float[] x, int tokens, Adapter adapter) {
        int columns = Matrix.blocks(adapter.columns()) * Matrix.BLOCK_COLUMNS + TileFunctions.columns(adapter);
        return round(tokens, columns, (first, last, worker, out) ->
                tiles.quantizeBeside(adapter, x, first, last, scratch(worker, adapter), out));
    }

    /** What a norm makes of each token. */
    Input normed(float[] x, int tokens, Norm norm) {
        int width = norm.weight().length;
        return round(tokens, width, (first, last, worker, out) -> {
            if (normed[worker].length < tokens * width) {
                normed[worker] = new float[tokens * width];
            }
            functions.rmsNorm(x, first, last, norm.weight(), norm.epsilon(), normed[worker]);
            if (norm.adapter().isPresent()) {
                Adapter adapter = norm.adapter().get();
                tiles.quantizeCorrected(adapter, normed[worker], first, last, scratch(worker, adapter), out);
            } else {
                functions.quantize(normed[worker], width, 1, first, last, out);
            }
        });
    }

    private MemorySegment scratch(int worker, Adapter adapter) {
        scratch[worker] = NativeKernels.room(scratch[worker], TileFunctions.bytes(adapter));
        return scratch[worker];
    }

    private Input round(int tokens, int columns, Rounder rounder) {
        long bytes = Rounding.TILES.bytes(tokens, columns, 1);
        if (tokens <= TOKENS && workers.count() > 1) {
            boolean[] done = new boolean[workers.count()];
            return new Input(columns, (part, worker) -> {
                if (!done[worker]) {
                    own[worker] = NativeKernels.room(own[worker], bytes);
                    rounder.round(0, tokens, worker, own[worker]);
                    done[worker] = true;
                }
                return own[worker];
            });
        }
        shared = NativeKernels.room(shared, bytes);
        int count = Math.ceilDiv(Math.ceilDiv(tokens, workers.count()), TOKENS) * TOKENS;
        workers.run(Math.ceilDiv(tokens, count), (task, worker) ->
                rounder.round(task * count, Math.min(tokens, (task + 1) * count), worker, shared));
        return new Input(columns, (part, worker) -> shared.asSlice(Rounding.TILES.bytes(part.first(), columns, 1)));
    }
}
