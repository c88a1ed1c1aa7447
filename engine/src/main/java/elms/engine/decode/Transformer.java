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
    private int tokens;
    /** Behind the last row of each sequence in the last chunk. */
    private int[] ends;
    private float[] x = {};
    private float[] normed;
    private float[] queries;
    private float[] keys;
    private float[] values;
    private float[] attended;
    private float[] activations;
    private float[] cos;
    private float[] sin;

    public Transformer(Weights weights, Kernels kernels) {
        this.weights = weights;
        this.config = weights.config();
        this.kernels = kernels;
        this.screenedHead = weights.screen().map(screen -> new ScreenedHead(weights, screen, kernels));
        this.next = new float[config.vocabulary()];
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
        for (int i = 0; i < config.layers(); i++) {
            Layer layer = level.layers().get(i);
            probe.stream(i, x, tokens);
            attend(i, layer, batch, probe);
            feedForward(i, layer, probe);
        }
        probe.stream(config.layers(), x, tokens);
    }

    /** x += o · attention(q · norm(x), ...). Keys and values are written even where no head reads them. */
    private void attend(int index, Layer layer, List<Continuation> batch, Probe probe) {
        kernels.rmsNorm(x, tokens, layer.attentionNorm(), config.epsilon(), normed);
        adapt(layer, Place.ATTENTION_INPUT, normed, normed);
        kernels.matmul(normed, tokens, new Product(layer.q(), queries), new Product(layer.k(), keys), new Product(layer.v(), values));
        kernels.rotate(keys, tokens, config.kvHeads(), config.headDim(), cos, sin);
        if (layer.heads() > 0) {
            kernels.rotate(queries, tokens, layer.heads(), config.headDim(), cos, sin);
        }
        for (int sequence = 0; sequence < batch.size(); sequence++) {
            attend(layer, sequence, batch.get(sequence).cache().layer(index));
        }
        if (layer.heads() > 0) {
            probe.heads(index, attended, tokens);
        }
        add(layer, Place.ATTENTION_OUTPUT, layer.heads(), attended, layer.o());
    }

    /** Stores keys and values of one sequence of the chunk, and attends to all that it has. */
    private void attend(Layer layer, int sequence, KeyValues cache) {
        int from = sequence == 0 ? 0 : ends[sequence - 1];
        int count = ends[sequence] - from;
        int stored = config.kvHeads() * config.headDim();
        int read = layer.heads() * config.headDim();
        cache.append(rows(keys, from, count, stored), rows(values, from, count, stored), count);
        if (count == tokens && read > 0) {
            kernels.attention(queries, count, layer.kvHeadOf(), cache, attended);
        } else if (read > 0) {
            float[] own = new float[count * read];
            kernels.attention(rows(queries, from, count, read), count, layer.kvHeadOf(), cache, own);
            System.arraycopy(own, 0, attended, from * read, own.length);
        }
    }

    /** Some rows; the array itself if they are all of the chunk's. */
    private float[] rows(float[] array, int from, int count, int columns) {
        return count == tokens ? array : Arrays.copyOfRange(array, from * columns, (from + count) * columns);
    }

    /** x += down · (silu(gate · norm(x)) ⊙ up · norm(x)). */
    private void feedForward(int index, Layer layer, Probe probe) {
        if (layer.neurons() > 0) {
            kernels.rmsNorm(x, tokens, layer.feedForwardNorm(), config.epsilon(), normed);
            adapt(layer, Place.FEED_FORWARD_INPUT, normed, normed);
            kernels.gatedMatmul(normed, tokens, layer.gate(), layer.up(), activations);
            probe.neurons(index, activations, tokens);
        }
        add(layer, Place.FEED_FORWARD_OUTPUT, layer.neurons(), activations, layer.down());
    }

    /** x += weights · in, if the layer keeps units to read, and what the adapter beside the weights adds. */
    private void add(Layer layer, Place place, int units, float[] in, Matrix weights) {
        Adapter adapter = layer.adapters().get(place);
        if (units == 0) {
            adapt(layer, place, in, x);
        } else if (adapter == null) {
            kernels.matmulAdd(in, tokens, weights, x);
        } else {
            kernels.matmulAdd(in, tokens, weights, adapter, x);
        }
    }

    /** out += adapter · in + bias, where the level has an adapter. */
    private void adapt(Layer layer, Place place, float[] in, float[] out) {
        Adapter adapter = layer.adapters().get(place);
        if (adapter != null) {
            kernels.adapt(in, tokens, adapter, out);
        }
    }

    /** Scores of every token of the vocabulary to follow the last token read. The next call reuses the array. */
    public float[] logits() {
        score(hidden(tokens - 1, 1), 1, next);
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
        screenedHead.get().score(hidden(tokens - 1, 1), 1, next);
        return next;
    }

    /** As {@link #candidates}, after the last token of each of the batch's first sequences. The arrays are the caller's. */
    public float[][] candidatesOfFirst(int sequences) {
        int width = config.width();
        float[] hidden = new float[sequences * width];
        for (int sequence = 0; sequence < sequences; sequence++) {
            System.arraycopy(hidden(ends[sequence] - 1, 1), 0, hidden, sequence * width, width);
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
        return logits(ends[sequence] - 1, 1);
    }

    /**
     * Scores after each of some tokens of the last chunk, one row of the vocabulary's size a token.
     *
     * @param from first token, counted from the start of the chunk
     */
    public float[] logits(int from, int count) {
        float[] logits = new float[count * config.vocabulary()];
        score(hidden(from, count), count, logits);
        return logits;
    }

    /** What the output head reads after each of some tokens of the last chunk: rows of the model's width. */
    public float[] hidden(int from, int count) {
        int width = config.width();
        float[] last = Arrays.copyOfRange(x, from * width, (from + count) * width);
        float[] hidden = new float[last.length];
        kernels.rmsNorm(last, count, weights.outputNorm(), config.epsilon(), hidden);
        return hidden;
    }

    private void score(float[] hidden, int count, float[] logits) {
        kernels.matmul(hidden, count, new Product(weights.output(), logits));
    }

    private void begin(List<Continuation> batch) {
        ends = new int[batch.size()];
        tokens = 0;
        for (int sequence = 0; sequence < ends.length; sequence++) {
            tokens += batch.get(sequence).ids().length;
            ends[sequence] = tokens;
        }
        if (x.length < tokens * config.width()) {
            allocate(tokens);
        }
        cos = new float[tokens * (config.ropeDims() / 2)];
        sin = new float[cos.length];
        int row = 0;
        for (Continuation sequence : batch) {
            int position = sequence.cache().length();
            for (int id : sequence.ids()) {
                weights.embedding().readRow(id, x, row * config.width());
                rotation(position++, row++);
            }
        }
    }

    private void rotation(int position, int row) {
        int half = config.ropeDims() / 2;
        for (int i = 0; i < half; i++) {
            double angle = position * weights.ropeFrequencies()[i];
            cos[row * half + i] = (float) Math.cos(angle);
            sin[row * half + i] = (float) Math.sin(angle);
        }
    }

    private void allocate(int tokens) {
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
