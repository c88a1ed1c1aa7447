package elms.engine.model;

import elms.engine.model.Adapters.Pair;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** Random adapters, norms and biases. */
public final class TestRecovery {
    private static final float STEP = 0x1p-8f;

    private TestRecovery() {}

    /** A pack of one level that is tuned at random. */
    public static Pack pack(ModelConfig config, Order order, Level level, int rank, long seed) {
        Random random = new Random(seed);
        List<Map<Place, Pair>> layers = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            Map<Place, Pair> places = new EnumMap<>(Place.class);
            for (Place place : Place.values()) {
                places.put(place, new Pair(exact(new float[rank][place.columns(config)], random),
                        exact(new float[rank][config.width()], random)));
            }
            layers.add(places);
        }
        int n = config.layers();
        Tuning tuning = new Tuning(rank, rows(n, config.width(), 0.1, 1, random), rows(n, config.width(), 0.1, 0, random),
                rows(n, config.width(), 0.1, 1, random), rows(n, config.width(), 0.1, 0, random));
        return new Pack("0123", order, List.of(level.with(tuning)), new float[0][], Optional.of(new Adapters(layers)), "random");
    }

    /** Fills rows with numbers that stay what they are when a row is rounded to bytes. */
    public static float[][] exact(float[][] rows, Random random) {
        for (float[] row : rows) {
            for (int i = 0; i < row.length; i++) {
                row[i] = STEP * (i == 0 ? Byte.MAX_VALUE : (int) Math.max(-Byte.MAX_VALUE, Math.min(30 * random.nextGaussian(),
                        Byte.MAX_VALUE)));
            }
        }
        return rows;
    }

    private static float[][] rows(int rows, int columns, double deviation, double mean, Random random) {
        float[][] values = new float[rows][columns];
        for (float[] row : values) {
            for (int i = 0; i < columns; i++) {
                row[i] = (float) (mean + deviation * random.nextGaussian());
            }
        }
        return values;
    }
}
