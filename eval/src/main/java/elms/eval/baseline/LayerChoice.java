package elms.eval.baseline;

import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** A way to shrink a model without training: which whole layers to leave out. Their keys and values are still written. */
public interface LayerChoice {
    /** What it is called. */
    String name();

    /** The layers to leave out, when it is to be so many; fewer if this way does not lead as far. */
    List<Integer> layers(int count);

    /** The level that leaves out as many layers as bring it nearest to a share of the decoder's weights. */
    default Level level(ModelConfig config, double share) {
        int count = IntStream.range(0, config.layers()).boxed().min(Comparator.comparingDouble(least -> Math.abs(
                without(config, IntStream.range(0, least).boxed().toList()).share(config) - share))).orElseThrow();
        return without(config, layers(count));
    }

    /** The full model without some layers. */
    static Level without(ModelConfig config, Collection<Integer> layers) {
        Level level = Level.full(config);
        for (int layer : layers) {
            level.heads()[layer] = 0;
            level.neurons()[layer] = 0;
        }
        return level;
    }
}
