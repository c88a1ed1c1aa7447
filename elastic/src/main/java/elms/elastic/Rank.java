package elms.elastic;

import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import java.util.stream.IntStream;

/** How large a level's adapters may be. */
final class Rank {
    /** Of a level's multiplications that may be its adapters'. */
    private static final double MOST_SHARE = 0.03;

    private Rank() {}

    /** The largest rank up to {@code most} at which adapters of a level that has none yet stay cheap. */
    static int of(Level level, int most, ModelConfig config) {
        return IntStream.rangeClosed(1, most).filter(rank -> {
            long adapters = level.adapterWeights(config, rank);
            return adapters <= MOST_SHARE * (level.weights(config) + adapters);
        }).max().orElse(0);
    }
}
