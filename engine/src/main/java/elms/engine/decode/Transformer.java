package elms.engine.decode;

import elms.engine.model.ModelConfig;
import elms.engine.model.Place;
import elms.engine.model.SubModel;
import elms.engine.model.SubModel.Layer;
import elms.engine.model.Weights;
import elms.kernels.Adapter;
import elms.kernels.KeyValues;
import elms.kernels.Kernels;
import elms.kernels.Kernels.Product;
import elms.kernels.Matrix;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The forward pass of a decoder with grouped-query attention and SwiGLU (Touvron et al., arXiv 2307.09288). Every call may
 * use another level. For one caller at a time.
 */
public final class Transformer {
    /** Most tokens computed at once; a longer prompt is cut, which changes no result. */
    public static final int CHUNK = 256;

    private final Weights weights;
    private final ModelConfig config;
    private final Kernels kernels;
    private final Optional<ScreenedHead> screenedHead;
    private final float[] next;

    /** Whether the full model read the last chunk. */
    private boolean whole;
    private final Rows chunk;
    /** The last token of each sequence, behind the last layer. */
    private final Rows last;
    /** Takes the rest of the chunk through the last layer, where that is still to be done. */
    private Optional<Runnable> unfinished = Optional.empty();

    public Transformer(Weights weights, Kernels kernels) {
        this.weights = weights;
        this.config = weights.config();
        this.kernels = kernels;
        this.screenedHead = weights.screen().map(screen -> new ScreenedHead(weights, screen, kernels));
        this.next = new float[config.vocabulary()];
        this.chunk = new Rows(config);
        this.last = new Rows(config);
    }

    /** Tokens of one sequence that follow what its cache holds. */
    public record Continuation(int[] ids, KvCache cache) {}

    public Weights weights() {
        return weights;
    }

    /**
     * An empty cache for one sequence.
     *
     * @param capacity most positions; memory is taken page by page as they come
     */
    public KvCache newCache(int capacity) {
        return new KvCache(kernels, config, capacity);
    }

    /** Reads tokens at one level, after what the cache holds, and appends their keys and values to it. */
    public void read(int[] ids, SubModel level, KvCache cache) {
        read(ids, level, cache, Probe.NONE);
    }

    /** As {@link #read(int[], SubModel, KvCache)}, showing the activations to a probe. */
    public void read(int[] ids, SubModel level, KvCache cache, Probe probe) {
        cache.requireRoom(ids.length);
        for (int from = 0; from < ids.length; from += CHUNK) {
            int[] chunk = Arrays.copyOfRange(ids, from, Math.min(ids.length, from + CHUNK));
            readChunk(List.of(new Continuation(chunk, cache)), level, probe);
        }
    }

    /**
     * Continues several sequences at once, which takes less time than one after the other and gives the same results. Each has a
     * cache of its own and at least one token; all together have at most {@link #CHUNK}.
     */
    public void read(List<Continuation> batch, SubModel level) {
        batch.forEach(sequence -> sequence.cache().requireRoom(sequence.ids().length));
        readChunk(batch, level, Probe.NONE);
    }

    private void readChunk(List<Continuation> batch, SubModel level, Probe probe) {
        begin(batch);
        whole = level.share() == 1;
        int layers = config.layers();
        boolean toTheEnd = probe != Probe.NONE || chunk.tokens == batch.size();
        for (int i = 0; i < layers; i++) {
            Layer layer = level.layers().get(i);
            probe.stream(i, chunk.x, chunk.tokens);
            if (i == layers - 1 && !toTheEnd) {
                readLast(i, layer, batch);
                return;
            }
            normAttention(layer, chunk);
            kernels.matmul(chunk.normed, chunk.tokens, new Product(layer.q(), chunk.queries), new Product(layer.k(), chunk.keys),
                    new Product(layer.v(), chunk.values));
            store(i, batch);
            attend(i, layer, batch, chunk, probe);
            feedForward(i, layer, chunk, probe);
        }
        probe.stream(layers, chunk.x, chunk.tokens);
    }

    /** The last layer. All tokens give keys and values, but only the last of each sequence goes on, until somebody asks about others. */
    private void readLast(int index, Layer layer, List<Continuation> batch) {
        normAttention(layer, chunk);
        kernels.matmul(chunk.normed, chunk.tokens, new Product(layer.k(), chunk.keys), new Product(layer.v(), chunk.values));
        store(index, batch);
        last.takeLastOf(chunk);
        complete(index, layer, batch, last);
        int[] lengths = lengths(batch);
        unfinished = Optional.of(() -> {
            if (!Arrays.equals(lengths, lengths(batch))) {
                throw new IllegalStateException("a cache was changed before all of its last chunk was asked for");
            }
            complete(index, layer, batch, chunk);
        });
    }

    private static int[] lengths(List<Continuation> batch) {
        return batch.stream().mapToInt(sequence -> sequence.cache().length()).toArray();
    }

    private void complete(int index, Layer layer, List<Continuation> batch, Rows rows) {
        kernels.matmul(rows.normed, rows.tokens, new Product(layer.q(), rows.queries));
        attend(index, layer, batch, rows, Probe.NONE);
        feedForward(index, layer, rows, Probe.NONE);
    }

    private void normAttention(Layer layer, Rows rows) {
        kernels.rmsNorm(rows.x, rows.tokens, layer.attentionNorm(), config.epsilon(), rows.normed);
        adapt(layer, Place.ATTENTION_INPUT, rows.normed, rows.normed, rows.tokens);
    }

    /** Appends the chunk's keys and values to the caches, even where no head reads them. */
    private void store(int index, List<Continuation> batch) {
        kernels.rotate(chunk.keys, chunk.tokens, config.kvHeads(), config.headDim(), chunk.cos, chunk.sin);
        int width = config.kvHeads() * config.headDim();
        for (int sequence = 0; sequence < batch.size(); sequence++) {
            int count = chunk.count(sequence);
            batch.get(sequence).cache().layer(index).append(chunk.of(sequence, chunk.keys, width),
                    chunk.of(sequence, chunk.values, width), count);
        }
    }

    /** x += o · attention(queries, ...). */
    private void attend(int index, Layer layer, List<Continuation> batch, Rows rows, Probe probe) {
        if (layer.heads() > 0) {
            kernels.rotate(rows.queries, rows.tokens, layer.heads(), config.headDim(), rows.cos, rows.sin);
            for (int sequence = 0; sequence < batch.size(); sequence++) {
                attend(layer, sequence, batch.get(sequence).cache().layer(index), rows);
            }
            probe.heads(index, rows.attended, rows.tokens);
        }
        add(layer, Place.ATTENTION_OUTPUT, layer.heads(), rows.attended, layer.o(), rows);
    }

    /** Attends to all that a sequence has. */
    private void attend(Layer layer, int sequence, KeyValues cache, Rows rows) {
        int width = layer.heads() * config.headDim();
        int count = rows.count(sequence);
        if (count == rows.tokens) {
            kernels.attention(rows.queries, count, layer.kvHeadOf(), cache, rows.attended);
        } else {
            float[] own = new float[count * width];
            kernels.attention(rows.of(sequence, rows.queries, width), count, layer.kvHeadOf(), cache, own);
            System.arraycopy(own, 0, rows.attended, rows.first(sequence) * width, own.length);
        }
    }

    /** x += down · (silu(gate · norm(x)) ⊙ up · norm(x)). */
    private void feedForward(int index, Layer layer, Rows rows, Probe probe) {
        if (layer.neurons() > 0) {
            kernels.rmsNorm(rows.x, rows.tokens, layer.feedForwardNorm(), config.epsilon(), rows.normed);
            adapt(layer, Place.FEED_FORWARD_INPUT, rows.normed, rows.normed, rows.tokens);
            kernels.gatedMatmul(rows.normed, rows.tokens, layer.gate(), layer.up(), rows.activations);
            probe.neurons(index, rows.activations, rows.tokens);
        }
        add(layer, Place.FEED_FORWARD_OUTPUT, layer.neurons(), rows.activations, layer.down(), rows);
    }

    /** x += weights · in, if the layer keeps units to read, and what the adapter beside the weights adds. */
    private void add(Layer layer, Place place, int units, float[] in, Matrix weights, Rows rows) {
        Adapter adapter = layer.adapters().get(place);
        if (units == 0) {
            adapt(layer, place, in, rows.x, rows.tokens);
        } else if (adapter == null) {
            kernels.matmulAdd(in, rows.tokens, weights, rows.x);
        } else {
            kernels.matmulAdd(in, rows.tokens, weights, adapter, rows.x);
        }
    }

    /** out += adapter · in + bias, where the level has an adapter. */
    private void adapt(Layer layer, Place place, float[] in, float[] out, int tokens) {
        Adapter adapter = layer.adapters().get(place);
        if (adapter != null) {
            kernels.adapt(in, tokens, adapter, out);
        }
    }

    /** Scores of every token of the vocabulary to follow the last token read. The next call reuses the array. */
    public float[] logits() {
        score(hidden(chunk.tokens - 1, 1), 1, next);
        return next;
    }

    /**
     * Scores to choose the next token by. After a token that a level below the full one read, only the likeliest few thousand
     * have one, and all others minus infinity. The next call reuses the array.
     */
    public float[] candidates() {
        if (whole || screenedHead.isEmpty()) {
            return logits();
        }
        screenedHead.get().score(hidden(chunk.tokens - 1, 1), 1, next);
        return next;
    }

    /** As {@link #candidates}, after the last token of each of the batch's first sequences. The arrays are the caller's. */
    public float[][] candidatesOfFirst(int sequences) {
        int width = config.width();
        float[] hidden = new float[sequences * width];
        for (int sequence = 0; sequence < sequences; sequence++) {
            System.arraycopy(hidden(chunk.end(sequence) - 1, 1), 0, hidden, sequence * width, width);
        }
        float[] scores = new float[sequences * config.vocabulary()];
        if (sequences > 0 && (whole || screenedHead.isEmpty())) {
            score(hidden, sequences, scores);
        } else if (sequences > 0) {
            screenedHead.get().score(hidden, sequences, scores);
        }
        float[][] each = new float[sequences][];
        Arrays.setAll(each, i -> Arrays.copyOfRange(scores, i * config.vocabulary(), (i + 1) * config.vocabulary()));
        return each;
    }

    /** As {@link #logits()}, after the last token of one of the batch's sequences. The array is the caller's. */
    public float[] logitsOf(int sequence) {
        return logits(chunk.end(sequence) - 1, 1);
    }

    /**
     * Scores after each of some tokens of the last chunk, one row of the vocabulary's size a token. Where these are not just the
     * last of their sequences, the caches must still be as the chunk left them.
     *
     * @param from first token, counted from the start of the chunk
     */
    public float[] logits(int from, int count) {
        float[] logits = new float[count * config.vocabulary()];
        score(hidden(from, count), count, logits);
        return logits;
    }

    /** What the output head reads after each of some tokens of the last chunk, as for {@link #logits(int, int)}: rows of the model's width. */
    public float[] hidden(int from, int count) {
        int width = config.width();
        int sequence = count == 1 ? chunk.endingAt(from) : -1;
        float[] rows;
        if (unfinished.isPresent() && sequence >= 0) {
            rows = Arrays.copyOfRange(last.x, sequence * width, (sequence + 1) * width);
        } else {
            unfinished.ifPresent(Runnable::run);
            unfinished = Optional.empty();
            rows = Arrays.copyOfRange(chunk.x, from * width, (from + count) * width);
        }
        float[] hidden = new float[rows.length];
        kernels.rmsNorm(rows, count, weights.outputNorm(), config.epsilon(), hidden);
        return hidden;
    }

    private void score(float[] hidden, int count, float[] logits) {
        kernels.matmul(hidden, count, new Product(weights.output(), logits));
    }

    private void begin(List<Continuation> batch) {
        unfinished = Optional.empty();
        chunk.begin(batch.stream().mapToInt(sequence -> sequence.ids().length).toArray());
        int row = 0;
        for (Continuation sequence : batch) {
            int position = sequence.cache().length();
            for (int id : sequence.ids()) {
                weights.embedding().readRow(id, chunk.x, row * config.width());
                chunk.place(row++, position++, weights.ropeFrequencies());
            }
        }
    }
}
