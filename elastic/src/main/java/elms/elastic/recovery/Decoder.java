package elms.elastic.recovery;

import elms.elastic.torch.Tensors;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.Place;
import elms.engine.model.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The forward pass of {@link elms.engine.decode.Transformer} once more, for gradients. The residual stream is in floats, products
 * are in the type of the weights. Weights have units in the order of the pack and rotary pairs as halves; they are not trained.
 */
public final class Decoder {
    /** Weights of a layer; {@code kvHeadOf} is the key/value head that each query head reads. */
    record Block(Tensor q, Tensor k, Tensor v, Tensor o, Tensor gate, Tensor up, Tensor down, Tensor attentionNorm,
            Tensor feedForwardNorm, Tensor kvHeadOf) {}

    /** Positions that one level reads. */
    private record Part(Student level, int from, int to) {}

    /** Cosines and sines of some positions: (positions, 1, rotary pairs). */
    private record Rotation(Tensor cos, Tensor sin) {
        Rotation of(Part part) {
            return new Rotation(cos.narrow(0, part.from(), part.to() - part.from()), sin.narrow(0, part.from(), part.to() - part.from()));
        }
    }

    private final Weights weights;
    private final ModelConfig config;
    private final ScalarType type;
    private final List<Block> blocks;
    private final Tensor outputNorm;
    private final Tensor output;

    /** Copies the weights; belongs to the present scope. */
    public Decoder(Weights weights, ScalarType type) {
        this.weights = weights;
        this.config = weights.config();
        this.type = type;
        blocks = IntStream.range(0, config.layers()).mapToObj(i -> block(weights.layers().get(i), weights.order(), i)).toList();
        outputNorm = Tensors.of(weights.outputNorm(), config.width());
        output = Tensors.of(weights.output(), type);
    }

    private Block block(Weights.Layer layer, Order order, int index) {
        int[] kvHeadOf = IntStream.of(order.heads()[index]).map(head -> head / (config.heads() / config.kvHeads())).toArray();
        return new Block(Tensors.of(layer.q(), type), Tensors.of(layer.k(), type), Tensors.of(layer.v(), type),
                Tensors.of(layer.o(), type), Tensors.of(layer.gate(), type), Tensors.of(layer.up(), type),
                Tensors.of(layer.down(), type), Tensors.of(layer.attentionNorm(), config.width()),
                Tensors.of(layer.feedForwardNorm(), config.width()), Tensors.indices(kvHeadOf));
    }

    /**
     * What the output head reads, when one level reads the first positions and another the rest, over the first one's cache.
     *
     * @param texts sequences of one length
     * @param cut positions that the first level reads; all, for one level alone
     * @return (sequences · positions, width)
     */
    Tensor hidden(List<int[]> texts, Student reader, Student answerer, int cut) {
        return hidden(embedding(texts), reader, answerer, cut);
    }

    private Tensor hidden(Tensor x, Student reader, Student answerer, int cut) {
        int length = Math.toIntExact(x.size(1));
        List<Part> parts = cut < length ? List.of(new Part(reader, 0, cut), new Part(answerer, cut, length))
                : List.of(new Part(reader, 0, length));
        Rotation rotation = rotation(length);
        Tensor mask = torch.full(new long[] {length, length}, Tensors.scalar(Double.NEGATIVE_INFINITY)).triu(1).to(type);
        List<Tensor> streams = new ArrayList<>(parts.stream().map(part -> x.narrow(1, part.from(), part.to() - part.from())).toList());
        for (int i = 0; i < blocks.size(); i++) {
            int layer = i;
            Block block = blocks.get(i);
            List<Tensor> keys = new ArrayList<>();
            List<Tensor> values = new ArrayList<>();
            for (int p = 0; p < parts.size(); p++) {
                Part part = parts.get(p);
                Tensor stream = streams.get(p);
                Tensor normed = Tensors.only(() -> normed(part.level(), layer, stream, "attn_norm", block.attentionNorm(),
                        Place.ATTENTION_INPUT));
                keys.add(Tensors.only(() -> rotated(normed.matmul(block.k().t()), rotation.of(part))));
                values.add(Tensors.only(() -> heads(normed.matmul(block.v().t()))));
                Tensor seen = mask.narrow(0, part.from(), part.to() - part.from()).narrow(1, 0, part.to());
                Tensor attended = Tensors.only(() -> attend(part.level(), layer, stream, normed, rotation.of(part),
                        Tensors.join(keys, 2), Tensors.join(values, 2), seen));
                streams.set(p, Tensors.only(() -> feedForward(part.level(), layer, attended)));
            }
        }
        Tensor all = Tensors.join(streams, 1);
        return Tensors.only(() -> norm(all, outputNorm).flatten(0, 1).to(type));
    }

    /**
     * How the full model's loss on the end of a text depends on what it reads: the gradient of the mean loss a token by a token's
     * embedding, times the embedding, as one number a token.
     *
     * @param from first token that the model is to predict
     */
    public Tensor saliency(int[] text, int from) {
        Tensor x = embedding(List.of(text)).set_requires_grad(true);
        backward(x, text, from, 1);
        return x.grad().mul(x.detach()).sum(-1).flatten();
    }

    /** Adds gradients of weight · the full model's mean loss a token of a text, from its second token on. */
    void backward(int[] text, double weight) {
        backward(embedding(List.of(text)), text, 1, weight);
    }

    private void backward(Tensor x, int[] text, int from, double weight) {
        Student full = Student.full(config);
        Tensor hidden = hidden(x, full, full, text.length);
        int count = text.length - from;
        Tensor gradient = torch.zeros_like(hidden.detach());
        try (NoGradGuard guard = new NoGradGuard()) {
            Tensor own = probabilities(hidden.detach().narrow(0, from - 1L, count));
            Tensor target = torch.one_hot(Tensors.indices(Arrays.copyOfRange(text, from, text.length)), config.vocabulary());
            gradient.narrow(0, from - 1L, count).copy_(throughOutput(own.sub_(target).mul_(Tensors.scalar(weight / count))));
        }
        hidden.backward(gradient, new BoolOptional(), false, new TensorArrayRefOptional());
    }

    /** The weights, layer by layer; they are not copies. */
    List<Block> blocks() {
        return blocks;
    }

    /** Probabilities of the next token after each row, in floats. */
    Tensor probabilities(Tensor hidden) {
        return Tensors.only(() -> torch.softmax(hidden.matmul(output.t()), -1, new ScalarTypeOptional(ScalarType.Float)));
    }

    /** Takes gradients of the scores back to the hidden state. */
    Tensor throughOutput(Tensor gradients) {
        return Tensors.only(() -> gradients.to(type).matmul(output));
    }

    private Tensor embedding(List<int[]> texts) {
        int length = texts.get(0).length;
        float[] rows = new float[texts.size() * length * config.width()];
        for (int i = 0; i < texts.size(); i++) {
            for (int position = 0; position < length; position++) {
                weights.embedding().readRow(texts.get(i)[position], rows, (i * length + position) * config.width());
            }
        }
        return Tensors.of(rows, texts.size(), length, config.width());
    }

    private Rotation rotation(int positions) {
        int half = config.ropeDims() / 2;
        float[] cos = new float[positions * half];
        float[] sin = new float[positions * half];
        for (int i = 0; i < cos.length; i++) {
            double angle = i / half * weights.ropeFrequencies()[i % half];
            cos[i] = (float) Math.cos(angle);
            sin[i] = (float) Math.sin(angle);
        }
        return new Rotation(Tensors.of(cos, positions, 1, half), Tensors.of(sin, positions, 1, half));
    }

    /** The stream after attention: x + o · attention(q · normed, ...). */
    private Tensor attend(Student level, int layer, Tensor x, Tensor normed, Rotation rotation, Tensor keys, Tensor values,
            Tensor mask) {
        int count = level.heads()[layer];
        if (count == 0) {
            return level.biased("attn_bias", layer, x);
        }
        Block block = blocks.get(layer);
        Tensor kvHeadOf = block.kvHeadOf().narrow(0, 0, count);
        Tensor queries = rotated(normed.matmul(block.q().narrow(0, 0, (long) count * config.headDim()).t()), rotation);
        Tensor scores = queries.matmul(keys.index_select(1, kvHeadOf).transpose(-1, -2))
                .mul(Tensors.scalar(1 / Math.sqrt(config.headDim()))).add(mask);
        Tensor attended = scores.softmax(-1).matmul(values.index_select(1, kvHeadOf)).transpose(1, 2).flatten(2, 3);
        Tensor sum = x.add(attended.matmul(block.o().narrow(1, 0, attended.size(-1)).t()));
        return level.biased("attn_bias", layer, level.adapted(Place.ATTENTION_OUTPUT, layer, attended, sum));
    }

    /** The stream after the feed-forward block: x + down · (silu(gate · norm(x)) ⊙ up · norm(x)). */
    private Tensor feedForward(Student level, int layer, Tensor x) {
        int count = level.neurons()[layer];
        if (count == 0) {
            return level.biased("ffn_bias", layer, x);
        }
        Block block = blocks.get(layer);
        Tensor normed = normed(level, layer, x, "ffn_norm", block.feedForwardNorm(), Place.FEED_FORWARD_INPUT);
        Tensor activations = torch.silu(normed.matmul(block.gate().narrow(0, 0, count).t()))
                .mul(normed.matmul(block.up().narrow(0, 0, count).t()));
        Tensor sum = x.add(activations.matmul(block.down().narrow(1, 0, count).t()));
        return level.biased("ffn_bias", layer, level.adapted(Place.FEED_FORWARD_OUTPUT, layer, activations, sum));
    }

    /** norm(x), with what the adapter of that place adds. */
    private Tensor normed(Student level, int layer, Tensor x, String kind, Tensor own, Place place) {
        Tensor normed = norm(x, level.row(kind, layer, own));
        return level.adapted(place, layer, normed.to(type), normed).to(type);
    }

    private Tensor norm(Tensor x, Tensor weight) {
        return torch.rms_norm(x, new long[] {config.width()}, new TensorOptional(weight), new DoubleOptional(config.epsilon()));
    }

    /** (sequences, positions, heads · dimensions) as (sequences, heads, positions, dimensions). */
    private Tensor heads(Tensor x) {
        return x.unflatten(-1, -1, config.headDim()).transpose(1, 2);
    }

    /** {@link #heads}, every pair of dimensions turned by its position (Su et al., arXiv 2104.09864). */
    private Tensor rotated(Tensor x, Rotation rotation) {
        Tensor split = x.unflatten(-1, -1, config.headDim()).to(ScalarType.Float);
        int half = config.ropeDims() / 2;
        Tensor a = split.narrow(-1, 0, half);
        Tensor b = split.narrow(-1, half, half);
        List<Tensor> turned = new ArrayList<>(List.of(a.mul(rotation.cos()).sub(b.mul(rotation.sin())),
                a.mul(rotation.sin()).add(b.mul(rotation.cos()))));
        if (config.headDim() > 2 * half) {
            turned.add(split.narrow(-1, 2L * half, config.headDim() - 2L * half));
        }
        return Tensors.join(turned, -1).to(type).transpose(1, 2);
    }
}
