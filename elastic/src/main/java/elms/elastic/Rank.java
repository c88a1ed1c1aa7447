package elms.elastic;

import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import java.util.stream.IntStream;

/** How large a level's adapters may be. */
final class Rank {
    /** Of a level's multiplications that may be its adapters'. */
    private static final double MOST_SHARE = 0.03;

    private Rank() {}

    /** The largest rank up to the level's own at which adapters stay cheap. */
    static int of(Level level, ModelConfig config) {
        int most = level.tuning().orElseThrow().rank();
        return IntStream.rangeClosed(1, most).filter(rank -> {
            long adapters = level.adapterWeights(config) / most * rank;
            return adapters <= MOST_SHARE * (level.weights(config) - level.adapterWeights(config) + adapters);
        }).max().orElse(0);
    }
}
