package elms.engine.model;

import elms.engine.ElmsException;
import java.util.stream.IntStream;

/**
 * The permutation that sorts the units of every layer by importance. {@code heads[layer][i]} is the original number of the
 * query head at place i, {@code neurons[layer][i]} that of the neuron.
 */
public record Order(int[][] heads, int[][] neurons) {
    /** Every unit where the original model has it. */
    public static Order identity(ModelConfig config) {
        int[][] heads = new int[config.layers()][];
        int[][] neurons = new int[config.layers()][];
        for (int layer = 0; layer < config.layers(); layer++) {
            heads[layer] = IntStream.range(0, config.heads()).toArray();
            neurons[layer] = IntStream.range(0, config.neurons()).toArray();
        }
        return new Order(heads, neurons);
    }

    /** Throws {@link ElmsException} unless this is an order for a model of that shape. */
    public void check(ModelConfig config) {
        if (heads.length != config.layers() || neurons.length != config.layers()) {
            throw new ElmsException("the order has " + heads.length + " layers, but the model has " + config.layers());
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            requirePermutation(heads[layer], config.heads(), "heads of layer " + layer);
            requirePermutation(neurons[layer], config.neurons(), "neurons of layer " + layer);
        }
    }

    private static void requirePermutation(int[] order, int count, String what) {
        boolean[] seen = new boolean[count];
        if (order.length != count) {
            throw new ElmsException("the order lists " + order.length + " " + what + " instead of " + count);
        }
        for (int unit : order) {
            if (unit < 0 || unit >= count || seen[unit]) {
                throw new ElmsException("the order of the " + what + " is no permutation: " + unit + " is out of range or repeated");
            }
            seen[unit] = true;
        }
    }
}
