package elms.planner.compact;

import elms.kernels.Kernels;

/** Kernels, and memory for what an encoder computes on the way. It grows to the longest text and is used again. */
final class Workspace {
    private final Kernels kernels;
    private final float[][] buffers = new float[Buffer.values().length][0];

    /** What a buffer is for. */
    enum Buffer { STREAM, PROJECTED, QUERIES, KEYS, VALUES, ATTENDED, ACTIVATIONS, SCORES, HIDDEN }

    Workspace(Kernels kernels) {
        this.kernels = kernels;
    }

    Kernels kernels() {
        return kernels;
    }

    /** At least so many floats, with what was left in them. */
    float[] get(Buffer buffer, int floats) {
        if (buffers[buffer.ordinal()].length < floats) {
            buffers[buffer.ordinal()] = new float[floats];
        }
        return buffers[buffer.ordinal()];
    }
}
