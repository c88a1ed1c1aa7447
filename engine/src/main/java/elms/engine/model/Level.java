package elms.engine.model;

import elms.engine.ElmsException;
import java.util.Arrays;
import java.util.Optional;

/**
 * One sub-model: how many heads and neurons of each layer it keeps, always the first in the {@link Order}. A layer that
 * keeps none of either is skipped, but still writes its keys and values, so that the cache of every level has one shape.
 *
 * @param tuning what recovery taught it; absent in the full model
 */
public record Level(int[] heads, int[] neurons, Optional<Tuning> tuning) {
    /** A level without recovery. */
    public Level(int[] heads, int[] neurons) {
        this(heads, neurons, Optional.empty());
    }

    /** The whole model. */
    public static Level full(ModelConfig config) {
        int[] heads = new int[config.layers()];
        int[] neurons = new int[config.layers()];
        Arrays.fill(heads, config.heads());
        Arrays.fill(neurons, config.neurons());
        return new Level(heads, neurons);
    }

    /** The same widths, recovered. */
    public Level with(Tuning learnt) {
        return new Level(heads, neurons, Optional.of(learnt));
    }

    /** Throws {@link ElmsException} unless the widths fit a model of that shape. */
    public void check(ModelConfig config) {
        if (heads.length != config.layers() || neurons.length != config.layers()) {
            throw new ElmsException("a level has " + heads.length + " layers, but the model has " + config.layers());
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            if (heads[layer] < 0 || heads[layer] > config.heads() || neurons[layer] < 0 || neurons[layer] > config.neurons()) {
                throw new ElmsException("a level keeps " + heads[layer] + " heads and " + neurons[layer] + " neurons of layer "
                        + layer + ", but the model has " + config.heads() + " and " + config.neurons());
            }
        }
        tuning.ifPresent(own -> own.check(config));
    }

    /** Decoder weights that this level reads for a token, those of its adapters among them. */
    public long weights(ModelConfig config) {
        long weights = config.layers() * config.fixedWeights() + adapterWeights(config, rank());
        for (int layer = 0; layer < config.layers(); layer++) {
            weights += heads[layer] * config.headWeights() + neurons[layer] * config.neuronWeights();
        }
        return weights;
    }

    /** Rank of its adapters, 0 without any. */
    public int rank() {
        return tuning.map(Tuning::rank).orElse(0);
    }

    /** Weights of the adapters that this level reads, if they have a rank. */
    public long adapterWeights(ModelConfig config, int rank) {
        long weights = 0;
        for (int layer = 0; layer < config.layers(); layer++) {
            for (Place place : Place.values()) {
                int columns = place.columns(config, heads[layer], neurons[layer]);
                weights += columns == 0 ? 0 : (long) rank * (columns + config.width());
            }
        }
        return weights;
    }

    /** True share of the decoder's weights, between 0 and 1: the level's name. */
    public double share(ModelConfig config) {
        return (double) weights(config) / config.decoderWeights();
    }

    /**
     * Share of the work of a decode step, the output head included.
     *
     * @param directions of the pack's screen, 0 for none
     */
    public double decodeShare(ModelConfig config, int directions) {
        long head = share(config) == 1 || directions == 0 ? config.outputWeights() : Screen.headWeights(config, directions);
        return (double) (weights(config) + head) / (config.decoderWeights() + config.outputWeights());
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Level level && Arrays.equals(heads, level.heads) && Arrays.equals(neurons, level.neurons)
                && tuning.equals(level.tuning);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(heads) + Arrays.hashCode(neurons);
    }
}
