package elms.elastic.recovery;

import elms.elastic.UnitScores;
import elms.elastic.torch.Tensors;
import elms.engine.model.ModelConfig;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Importance from a backward pass: |weight · gradient| of the mean loss of the next token, summed over the weights that are a
 * unit's alone: q and o of a head; gate, up and down of a neuron (ELMS, arXiv 2409.09071, after LLM-Pruner, arXiv 2305.11627).
 */
public final class TaylorScores {
    private TaylorScores() {}

    /**
     * Scores of all units. Gradients stay with the decoder's weights, in the present scope.
     *
     * @param decoder with units in the original order
     * @param texts each weighs the same
     */
    public static UnitScores of(Decoder decoder, ModelConfig config, List<int[]> texts) {
        decoder.blocks().forEach(block -> Stream.of(block.q(), block.o(), block.gate(), block.up(), block.down())
                .forEach(weights -> weights.set_requires_grad(true)));
        for (int[] text : texts) {
            try (PointerScope scope = new PointerScope()) {
                decoder.backward(text, 1.0 / texts.size());
            }
        }
        double[][] heads = new double[config.layers()][];
        double[][] neurons = new double[config.layers()][];
        for (int layer = 0; layer < config.layers(); layer++) {
            try (PointerScope scope = new PointerScope()) {
                Decoder.Block block = decoder.blocks().get(layer);
                Tensor dimensions = change(block.q()).sum(1).add(change(block.o()).sum(0));
                heads[layer] = doubles(dimensions.unflatten(0, -1, config.headDim()).sum(1));
                neurons[layer] = doubles(change(block.gate()).add(change(block.up())).sum(1).add(change(block.down()).sum(0)));
            }
        }
        return new UnitScores(heads, neurons);
    }

    private static Tensor change(Tensor weights) {
        return weights.detach().mul(weights.grad()).abs().to(ScalarType.Float);
    }

    private static double[] doubles(Tensor vector) {
        float[] values = Tensors.floats(vector);
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }
}
