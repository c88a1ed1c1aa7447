package elms.elastic.recovery;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.gguf.GgufFile;
import elms.engine.gguf.TensorInfo;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.Pack;
import elms.engine.model.TestRecovery;
import elms.engine.model.Tuning;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Random packs and texts for a small model. */
final class RecoveryFixture {
    static final String HASH = "0123456789abcdef";

    private RecoveryFixture() {}

    /** Shuffled units, and levels of several widths and ranks with random norms and biases. */
    static Pack pack(ModelConfig config) {
        Random random = new Random(5);
        Order order = new Order(shuffled(config.layers(), config.heads(), random), shuffled(config.layers(), config.neurons(), random));
        List<Level> levels = Stream.of(0.9, 0.7, 0.4, 0.1).map(part -> {
            int[] heads = new int[config.layers()];
            int[] neurons = new int[config.layers()];
            Arrays.setAll(heads, layer -> (int) Math.round(part * (config.heads() - layer)));
            Arrays.setAll(neurons, layer -> layer == 1 && part < 0.5 ? 0 : (int) (part * config.neurons()));
            int rank = part == 0.9 ? 2 : 3;
            return new Level(heads, neurons).with(new Tuning(rank, rows(config, 1, 0.1, random), rows(config, 0, 0.1, random),
                    rows(config, 1, 0.1, random), rows(config, 0, 0.1, random)));
        }).toList();
        return new Pack(HASH, order, levels, new float[0][], Optional.empty(), "a test");
    }

    private static int[][] shuffled(int layers, int count, Random random) {
        return IntStream.range(0, layers).mapToObj(layer -> {
            List<Integer> units = new ArrayList<>(IntStream.range(0, count).boxed().toList());
            Collections.shuffle(units, random);
            return units.stream().mapToInt(i -> i).toArray();
        }).toArray(int[][]::new);
    }

    private static float[][] rows(ModelConfig config, double mean, double deviation, Random random) {
        float[][] rows = new float[config.layers()][config.width()];
        for (float[] row : rows) {
            fill(row, mean, deviation, random);
        }
        return rows;
    }

    private static void fill(float[] row, double mean, double deviation, Random random) {
        for (int i = 0; i < row.length; i++) {
            row[i] = (float) (mean + deviation * random.nextGaussian());
        }
    }

    /** As a state is begun, but with adapters that write, and that stay what they are when they are rounded to bytes. */
    static Pack begun(Checkpoint checkpoint, ModelConfig config) throws Exception {
        checkpoint.begin(pack(config), config, texts(config), 1);
        Pack begun = checkpoint.read(config, HASH);
        Random random = new Random(6);
        begun.adapters().orElseThrow().layers().forEach(places -> places.values().forEach(pair -> {
            TestRecovery.exact(pair.down(), random);
            TestRecovery.exact(pair.up(), random);
        }));
        checkpoint.write(begun);
        return begun;
    }

    static List<int[]> texts(ModelConfig config) {
        Random random = new Random(7);
        return Stream.generate(() -> random.ints(24, 0, config.vocabulary()).toArray()).limit(8).toList();
    }

    /** Two states have the same tensors, to the bit. */
    static void assertSame(Checkpoint actual, Checkpoint expected) {
        try (GgufFile one = GgufFile.open(actual.state()); GgufFile other = GgufFile.open(expected.state())) {
            assertThat(one.tensors().keySet()).isEqualTo(other.tensors().keySet());
            for (TensorInfo tensor : other.tensors().values()) {
                assertThat(one.map(one.tensor(tensor.name()))).as(tensor.name()).isEqualTo(other.map(tensor));
            }
        }
    }

    static Weights weights(Path model, Pack pack) {
        try (GgufFile file = GgufFile.open(model)) {
            ModelConfig config = ModelConfig.of(file);
            return Weights.of(config, pack.order(), new WeightPacker(file, config, pack, Precision.FLOAT));
        }
    }

    static ModelConfig config(Path model) {
        try (GgufFile file = GgufFile.open(model)) {
            return ModelConfig.of(file);
        }
    }
}
