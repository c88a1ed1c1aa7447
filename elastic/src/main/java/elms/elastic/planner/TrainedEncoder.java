package elms.elastic.planner;

import elms.elastic.torch.Adam;
import elms.elastic.torch.Tensors;
import elms.planner.compact.CompactWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * The forward pass of {@link elms.planner.compact.EncoderLayer} once more, for gradients. What it trains belongs to the present
 * scope.
 */
final class TrainedEncoder {
    private static final double EPSILON = 1e-12;
    /** Neurons of the layer: half of MiniLM's, so that reading a prompt costs little beside the model itself. */
    private static final int NEURONS = MiniLm.NEURONS / 2;
    /** As in {@link elms.planner.compact.EncoderLayer}. */
    private static final double OPEN = 1.88;
    /** MiniLM's layer that the encoder's begins as, and what its names begin with. */
    private static final int LAYER = 0;
    private static final String PREFIX = "encoder.layer." + LAYER + ".";
    /** Names of the layer's matrices here, and of their biases in MiniLM's file. */
    private static final Map<String, String> BIASES = Map.of("query", "attention.self.query", "key", "attention.self.key", "value",
            "attention.self.value", "output", "attention.output.dense", "up", "intermediate.dense", "down", "output.dense");
    private static final Map<String, String> NORMS = Map.of("attention_norm", "attention.output.LayerNorm", "feed_forward_norm",
            "output.LayerNorm");

    private final Adam adam;
    private final Tensor positions;

    TrainedEncoder(MiniLm start, Adam adam) {
        this.adam = adam;
        positions = Tensors.of(start.embedding("position"), MiniLm.POSITIONS, MiniLm.WIDTH);
        vector(CompactWeights.EMBEDDING_NORM + ".weight", start.vector("embeddings.LayerNorm.weight"));
        vector(CompactWeights.EMBEDDING_NORM + ".bias", start.vector("embeddings.LayerNorm.bias"));
        adam.add(CompactWeights.KINDS, kinds(start));
        int[] neurons = start.largestNeurons(LAYER, NEURONS);
        BIASES.forEach((part, bias) -> {
            float[][] matrix = start.matrix(LAYER, part);
            float[] biases = start.vector(PREFIX + bias + ".bias");
            if (part.equals("up")) {
                float[] all = biases;
                matrix = IntStream.of(neurons).mapToObj(List.of(matrix)::get).toArray(float[][]::new);
                biases = floats(neurons, neuron -> all[neuron]);
            } else if (part.equals("down")) {
                matrix = Arrays.stream(matrix).map(row -> floats(neurons, neuron -> row[neuron])).toArray(float[][]::new);
            }
            adam.add(CompactWeights.layer(part) + ".weight", Tensors.of(matrix));
            vector(CompactWeights.layer(part) + ".bias", biases);
        });
        NORMS.forEach((part, norm) -> {
            vector(CompactWeights.layer(part) + ".weight", start.vector(PREFIX + norm + ".weight"));
            vector(CompactWeights.layer(part) + ".bias", start.vector(PREFIX + norm + ".bias"));
        });
        adam.add(CompactWeights.SCORE + ".weight", torch.zeros(1, MiniLm.WIDTH));
        adam.add(CompactWeights.SCORE + ".bias", torch.zeros(1, 1));
    }

    private static float[] floats(int[] numbers, IntToDoubleFunction value) {
        float[] floats = new float[numbers.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) value.applyAsDouble(numbers[i]);
        }
        return floats;
    }

    private void vector(String name, float[] values) {
        adam.add(name, Tensors.of(values, 1, values.length));
    }

    /** Both kinds begin as what MiniLM was trained with, which knows just one. */
    private static Tensor kinds(MiniLm start) {
        Tensor one = Tensors.of(start.embedding("token_type"), 2, MiniLm.WIDTH).narrow(0, 0, 1);
        return Tensors.join(new ArrayList<>(List.of(one, one)), 0).clone();
    }

    /** Embedding of the places in a window, which is not trained. */
    float[][] positions() {
        return Tensors.rows(positions);
    }

    /**
     * The stream before the layer.
     *
     * @param words rows of word embeddings
     * @param kinds what each row is
     */
    Tensor embed(Tensor words, int[] kinds) {
        Tensor kind = value(CompactWeights.KINDS).index_select(0, Tensors.indices(kinds));
        return norm(words.add(positions.narrow(0, 0, words.size(0))).add(kind), CompactWeights.EMBEDDING_NORM);
    }

    /** The stream after the layer; rows of the model's width. */
    Tensor layer(Tensor x) {
        Tensor middle = attended(x);
        Tensor activations = activated(affine(CompactWeights.layer("up"), middle));
        Tensor written = affine(CompactWeights.layer("down"), activations);
        return norm(middle.add(written), CompactWeights.layer("feed_forward_norm"));
    }

    /** The stream in the middle of the layer. */
    Tensor attended(Tensor x) {
        Tensor queries = heads(affine(CompactWeights.layer("query"), x));
        Tensor keys = heads(affine(CompactWeights.layer("key"), x));
        Tensor values = heads(affine(CompactWeights.layer("value"), x));
        Tensor scores = queries.matmul(keys.transpose(1, 2)).mul(Tensors.scalar(1 / Math.sqrt(MiniLm.WIDTH / (double) MiniLm.HEADS)));
        Tensor attended = scores.softmax(-1).matmul(values).transpose(0, 1).flatten(1, 2);
        return norm(x.add(affine(CompactWeights.layer("output"), attended)), CompactWeights.layer("attention_norm"));
    }

    /** Logits of the score head, one a row. */
    Tensor score(Tensor x) {
        return affine(CompactWeights.SCORE, x).flatten(0, 1);
    }

    Tensor affine(String name, Tensor x) {
        return x.matmul(value(name + ".weight").t()).add(value(name + ".bias"));
    }

    static Tensor activated(Tensor x) {
        Tensor t = torch.hardtanh(x.div(Tensors.scalar(OPEN)));
        return x.mul(t.mul(Tensors.scalar(0.75)).sub(t.mul(t).mul(t).mul(Tensors.scalar(0.25))).add(Tensors.scalar(0.5)));
    }

    private Tensor norm(Tensor x, String name) {
        return torch.layer_norm(x, new long[] {MiniLm.WIDTH}, new TensorOptional(value(name + ".weight").flatten(0, 1)),
                new TensorOptional(value(name + ".bias").flatten(0, 1)), EPSILON, false);
    }

    private static Tensor heads(Tensor x) {
        return x.unflatten(-1, MiniLm.HEADS, -1).transpose(0, 1);
    }

    private Tensor value(String name) {
        return adam.value(name);
    }
}
