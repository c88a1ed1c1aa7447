package elms.engine.decode;

import elms.engine.ElmsException;
import elms.engine.model.ModelConfig;
import elms.kernels.KeyValues;
import elms.kernels.Kernels;
import java.util.Arrays;

/**
 * Keys and values of one sequence. Its shape is the same for every level, so each position may have been written by another
 * one, and the next may be.
 */
public final class KvCache implements AutoCloseable {
    private final KeyValues[] layers;
    private final int capacity;

    KvCache(Kernels kernels, ModelConfig config, int capacity) {
        this.capacity = capacity;
        layers = new KeyValues[config.layers()];
        Arrays.setAll(layers, layer -> kernels.newCache(config.kvHeads(), config.headDim()));
    }

    private KvCache(KeyValues[] layers, int capacity) {
        this.layers = layers;
        this.capacity = capacity;
    }

    /**
     * Another cache of the first {@code length} positions, to be continued in another way. It shares their memory until one of the
     * two writes to it.
     *
     * @param room most positions of the new cache, at least {@code length}
     */
    public KvCache fork(int length, int room) {
        return new KvCache(Arrays.stream(layers).map(layer -> layer.fork(length)).toArray(KeyValues[]::new), room);
    }

    /** Bytes of its memory, what it shares with others included. */
    public long bytes() {
        return Arrays.stream(layers).mapToLong(KeyValues::bytes).sum();
    }

    /** Positions stored: tokens read so far. */
    public int length() {
        return layers[0].length();
    }

    KeyValues layer(int layer) {
        return layers[layer];
    }

    void requireRoom(int tokens) {
        if (tokens > capacity - length()) {
            throw new ElmsException("the context of " + capacity + " tokens is full");
        }
    }

    /** Forgets the positions from {@code length} on. */
    public void truncate(int length) {
        for (KeyValues layer : layers) {
            layer.truncate(length);
        }
    }

    /** Gives the memory back, for the next cache on the same kernels. */
    @Override
    public void close() {
        for (KeyValues layer : layers) {
            layer.close();
        }
    }
}
