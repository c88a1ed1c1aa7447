package elms.engine.decode;

import elms.engine.decode.Transformer.Continuation;
import elms.engine.model.ModelConfig;
import elms.engine.model.Place;
import elms.engine.model.SubModel;
import elms.engine.model.SubModel.Layer;
import elms.engine.model.Weights;
import elms.kernels.Adapter;
import elms.kernels.KeyValues;
import elms.kernels.Kernels;
import elms.kernels.Kernels.Norm;
import elms.kernels.Kernels.Product;
import elms.kernels.Matrix;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A pass of some sequences' next tokens through a level's layers, from their embeddings to what the output head reads. Used again. */
final class Pass {
    private final Weights weights;
    private final ModelConfig config;
    private final Kernels kernels;
    private final Rows chunk;
    /** The last token of each sequence, behind the last layer. */
    private final Rows last;
    /** Takes the rest of the chunk through the last layer, where that is still to be done. */
    private Optional<Runnable> unfinished = Optional.empty();

    Pass(Weights weights, Kernels kernels) {
        this.weights = weights;
        this.config = weights.config();
        this.kernels = kernels;
        this.chunk = new Rows(config);
        this.last = new Rows(config);
    }

    /** Takes tokens through a level's layers, after what their caches hold, and appends their keys and values to these. */
    void run(List<Continuation> batch, SubModel level, Probe probe) {
        begin(batch);
        int layers = config.layers();
        boolean toTheEnd = probe != Probe.NONE || chunk.tokens == batch.size();
        for (int i = 0; i < layers; i++) {
            Layer layer = level.layers().get(i);
            probe.stream(i, chunk.x, chunk.tokens);
            if (i == layers - 1 && !toTheEnd) {
                readLast(i, layer, batch);
                return;
            }
            project(layer, chunk, new Product(layer.q(), chunk.queries), new Product(layer.k(), chunk.keys),
                    new Product(layer.v(), chunk.values));
            store(i, batch);
            attend(i, layer, batch, chunk, probe);
            feedForward(i, layer, chunk, probe);
        }
        probe.stream(layers, chunk.x, chunk.tokens);
    }

    /** The last layer. All tokens give keys and values, but only the last of each sequence goes on, until somebody asks about others. */
    private void readLast(int index, Layer layer, List<Continuation> batch) {
        project(layer, chunk, new Product(layer.k(), chunk.keys), new Product(layer.v(), chunk.values));
        store(index, batch);
        last.takeLastOf(chunk);
        complete(index, layer, batch, last);
        int[] lengths = lengths(batch);
        unfinished = Optional.of(() -> {
            if (!Arrays.equals(lengths, lengths(batch))) {
                throw new IllegalStateException("a cache was changed before all of the last pass was asked for");
            }
            complete(index, layer, batch, chunk);
        });
    }

    private static int[] lengths(List<Continuation> batch) {
        return batch.stream().mapToInt(sequence -> sequence.cache().length()).toArray();
    }

    private void complete(int index, Layer layer, List<Continuation> batch, Rows rows) {
        project(layer, rows, new Product(layer.q(), rows.queries));
        attend(index, layer, batch, rows, Probe.NONE);
        feedForward(index, layer, rows, Probe.NONE);
    }

    /** Queries, keys, values: products with norm(x). */
    private void project(Layer layer, Rows rows, Product... products) {
        kernels.matmul(rows.x, rows.tokens, norm(layer, layer.attentionNorm(), Place.ATTENTION_INPUT), rows.normed, products);
    }

    private Norm norm(Layer layer, float[] weight, Place place) {
        return new Norm(weight, config.epsilon(), Optional.ofNullable(layer.adapters().get(place)));
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
            kernels.gatedMatmul(rows.x, rows.tokens, norm(layer, layer.feedForwardNorm(), Place.FEED_FORWARD_INPUT), rows.normed,
                    layer.gate(), layer.up(), rows.activations);
            probe.neurons(index, rows.activations, rows.tokens);
        }
        add(layer, Place.FEED_FORWARD_OUTPUT, layer.neurons(), rows.activations, layer.down(), rows);
    }

    /** x += weights · in, if the layer keeps units to read, and what the adapter beside the weights adds. */
    private void add(Layer layer, Place place, int units, float[] in, Matrix weights, Rows rows) {
        Adapter adapter = layer.adapters().get(place);
        if (adapter == null) {
            if (units > 0) {
                kernels.matmulAdd(in, rows.tokens, weights, rows.x);
            }
        } else if (units == 0) {
            kernels.adapt(in, rows.tokens, adapter, rows.x);
        } else {
            kernels.matmulAdd(in, rows.tokens, weights, adapter, rows.x);
        }
    }

    /** How many tokens there were. */
    int tokens() {
        return chunk.tokens;
    }

    /** Behind the last token of a sequence. */
    int end(int sequence) {
        return chunk.end(sequence);
    }

    /**
     * The residual stream behind the last layer, a row each of the model's width. Where these are not just the last of their sequences, the
     * caches must still be as the pass left them.
     *
     * @param from first token, counted from the start of the pass
     */
    float[] stream(int from, int count) {
        int width = config.width();
        int sequence = count == 1 ? chunk.endingAt(from) : -1;
        if (unfinished.isPresent() && sequence >= 0) {
            return Arrays.copyOfRange(last.x, sequence * width, (sequence + 1) * width);
        }
        unfinished.ifPresent(Runnable::run);
        unfinished = Optional.empty();
        return Arrays.copyOfRange(chunk.x, from * width, (from + count) * width);
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
