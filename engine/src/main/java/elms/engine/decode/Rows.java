package elms.engine.decode;

import elms.engine.model.ModelConfig;
import java.util.Arrays;

/** What a pass holds of its tokens, a row each in every array, sequence after sequence. Memory is used again by the next pass. */
final class Rows {
    private final ModelConfig config;
    private final int half;

    int tokens;
    /** Behind the last row of each sequence. */
    private int[] ends = {};
    /** The residual stream. */
    float[] x = {};
    float[] normed;
    float[] queries;
    float[] keys;
    float[] values;
    float[] attended;
    float[] activations;
    /** Of the angles by which queries and keys are rotated. */
    float[] cos;
    float[] sin;

    Rows(ModelConfig config) {
        this.config = config;
        this.half = config.ropeDims() / 2;
    }

    /** Makes room for sequences of so many tokens each. */
    void begin(int[] counts) {
        ends = new int[counts.length];
        tokens = 0;
        for (int sequence = 0; sequence < counts.length; sequence++) {
            tokens += counts[sequence];
            ends[sequence] = tokens;
        }
        if (x.length < tokens * config.width()) {
            allocate();
        }
        cos = new float[tokens * half];
        sin = new float[cos.length];
    }

    /** Where a row's token stands in its sequence. */
    void place(int row, int position, double[] frequencies) {
        for (int i = 0; i < half; i++) {
            double angle = position * frequencies[i];
            cos[row * half + i] = (float) Math.cos(angle);
            sin[row * half + i] = (float) Math.sin(angle);
        }
    }

    /** The residual stream of the last token of each sequence. */
    void takeLastOf(Rows all) {
        int[] one = new int[all.ends.length];
        Arrays.fill(one, 1);
        begin(one);
        for (int sequence = 0; sequence < tokens; sequence++) {
            int row = all.end(sequence) - 1;
            System.arraycopy(all.x, row * config.width(), x, sequence * config.width(), config.width());
            System.arraycopy(all.cos, row * half, cos, sequence * half, half);
            System.arraycopy(all.sin, row * half, sin, sequence * half, half);
        }
    }

    int end(int sequence) {
        return ends[sequence];
    }

    int first(int sequence) {
        return sequence == 0 ? 0 : ends[sequence - 1];
    }

    int count(int sequence) {
        return end(sequence) - first(sequence);
    }

    /** The sequence whose last row it is; negative if it is none's. */
    int endingAt(int row) {
        return Arrays.binarySearch(ends, row + 1);
    }

    /** A sequence's rows of an array; the array itself if they are all. */
    float[] of(int sequence, float[] array, int columns) {
        return count(sequence) == tokens ? array : Arrays.copyOfRange(array, first(sequence) * columns, end(sequence) * columns);
    }

    private void allocate() {
        int heads = config.heads() * config.headDim();
        int kvHeads = config.kvHeads() * config.headDim();
        x = new float[tokens * config.width()];
        normed = new float[tokens * config.width()];
        queries = new float[tokens * heads];
        attended = new float[tokens * heads];
        keys = new float[tokens * kvHeads];
        values = new float[tokens * kvHeads];
        activations = new float[tokens * config.neurons()];
    }
}
