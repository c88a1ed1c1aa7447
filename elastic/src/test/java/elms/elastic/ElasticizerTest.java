package elms.elastic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import elms.engine.ElmsException;
import elms.engine.NanoModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.Pack;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.jdk.VectorKernels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ElasticizerTest {
    private static final Kernels KERNELS = new VectorKernels(2);
    private static final String HASH = "0123456789abcdef";

    @TempDir
    Path folder;

    static Stream<NanoModel> models() {
        return Stream.of(NanoModel.ODD, NanoModel.MULTI_HEAD, NanoModel.FOUR_BITS);
    }

    @ParameterizedTest
    @MethodSource("models")
    void aPackIsMadeWrittenAndRead(NanoModel model) throws Exception {
        try (GgufFile file = GgufFile.open(model.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            List<Double> progress = new ArrayList<>();
            Pack made = new Elasticizer(file, KERNELS, (step, share) -> progress.add(share))
                    .make(HASH, calibration(config), Aims.measured(), "a test");
            assertThat(progress).isSorted().endsWith(1.0);
            Path path = folder.resolve("test.pack");
            made.write(path);
            Pack read = Pack.read(path, config, HASH);
            assertThat(Arrays.deepEquals(read.order().heads(), made.order().heads())).isTrue();
            assertThat(Arrays.deepEquals(read.order().neurons(), made.order().neurons())).isTrue();
            assertThat(read.levels()).hasSameSizeAs(made.levels()).isNotEmpty();
            for (int i = 0; i < made.levels().size(); i++) {
                assertThat(read.levels().get(i).heads()).isEqualTo(made.levels().get(i).heads());
                assertThat(read.levels().get(i).neurons()).isEqualTo(made.levels().get(i).neurons());
            }
            assertThat(read.provenance()).startsWith("order by activation").endsWith("a test");
        }
    }

    /** Masking the last units of the order must hurt less than masking the first. */
    @Test
    void importantUnitsComeFirst() {
        try (GgufFile file = GgufFile.open(NanoModel.FOUR_BITS.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Order order = new Elasticizer(file, KERNELS, (step, share) -> {})
                    .make(HASH, calibration(config), Aims.measured(), "").order();
            assertThat(lossOfHalf(file, config, order)).isLessThan(0.8 * lossOfHalf(file, config, reversed(order)));
        }
    }

    @Test
    void theOrderWhoseLevelsAreClosestToTheFullModelIsKept() {
        try (GgufFile file = GgufFile.open(NanoModel.FOUR_BITS.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            List<String> said = new ArrayList<>();
            Elasticizer elasticizer = new Elasticizer(file, KERNELS, (step, share) -> said.add(step));
            Importance first = new Importance.Activation();
            Importance second = new Importance.Fluctuation();
            List<Pack> alone = Stream.of(first, second)
                    .map(only -> elasticizer.make(HASH, calibration(config), new Aims(Aims.SHARES, 0, List.of(only)), "")).toList();
            Pack best = elasticizer.make(HASH, calibration(config), new Aims(Aims.SHARES, 0, List.of(first, second)), "");
            List<Double> losses = alone.stream().map(pack -> meanDivergence(file, config, pack)).toList();
            Pack better = alone.get(losses.get(0) <= losses.get(1) ? 0 : 1);
            assertThat(losses.get(0)).isNotEqualTo(losses.get(1));
            assertThat(Arrays.deepEquals(best.order().neurons(), better.order().neurons())).isTrue();
            assertThat(best.levels()).usingRecursiveComparison().isEqualTo(better.levels());
            String numbers = String.format(Locale.ROOT, "activation %.3f, fluctuation %.3f", losses.get(0), losses.get(1));
            assertThat(best.provenance()).contains(numbers);
            assertThat(said).anyMatch(step -> step.startsWith("KL of the levels before recovery, ordered by "
                    + numbers.split(", ")[1] + " ("));
        }
    }

    /** Orders are compared with coarse widths, but those of the best are measured as finely as if there had been no other. */
    @Test
    void theBestOrderHasTheWidthsThatItHasAlone() {
        try (GgufFile file = GgufFile.open(NanoModel.FOUR_BITS.write(folder))) {
            Calibration calibration = calibration(ModelConfig.of(file));
            Elasticizer elasticizer = new Elasticizer(file, KERNELS, (step, share) -> {});
            List<Importance> both = List.of(new Importance.Activation(), new Importance.Fluctuation());
            Pack best = elasticizer.make(HASH, calibration, new Aims(Aims.SHARES, 4, both), "");
            Importance better = both.stream().filter(one -> best.provenance().startsWith("order by " + one.text())).findFirst().get();
            Pack alone = elasticizer.make(HASH, calibration, new Aims(Aims.SHARES, 4, List.of(better)), "");
            assertThat(Arrays.deepEquals(best.order().heads(), alone.order().heads())).isTrue();
            assertThat(best.levels()).usingRecursiveComparison().isEqualTo(alone.levels());
        }
    }

    @Test
    void divergenceIsZeroForTheFullModelAndMatchesItsDefinition() {
        try (GgufFile file = GgufFile.open(NanoModel.ODD.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Order identity = Order.identity(config);
            Weights weights = Weights.of(config, identity, new WeightPacker(file, config, identity, Precision.FLOAT));
            int[] text = {3, 1, 4, 1, 5, 9, 2, 6};
            Divergence divergence = new Divergence(weights, KERNELS, List.of(text));
            assertThat(divergence.of(Level.full(config))).isCloseTo(0, within(1e-9));
            Level half = Level.full(config);
            Arrays.fill(half.neurons(), 20);
            assertThat(divergence.of(half)).isCloseTo(divergence(weights, text, half), within(1e-4));
        }
    }

    @Test
    void aPackForAnotherBaseOrAnotherKindOfFileIsRefused() throws Exception {
        try (GgufFile file = GgufFile.open(NanoModel.ODD.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Path path = folder.resolve("test.pack");
            new Pack(HASH, Order.identity(config), List.of(), new float[0][], Optional.empty(), "").write(path);
            assertThatThrownBy(() -> Pack.read(path, config, "another")).isInstanceOf(ElmsException.class)
                    .hasMessageContaining("was made for another base model");
            assertThatThrownBy(() -> Pack.read(file.path(), config, HASH)).hasMessageContaining("is no Elms pack");
            Order broken = Order.identity(config);
            broken.neurons()[1][0] = 1;
            new Pack(HASH, broken, List.of(), new float[0][], Optional.empty(), "").write(path);
            assertThatThrownBy(() -> Pack.read(path, config, HASH)).hasMessageContaining("no permutation");
        }
    }

    private static double divergence(Weights weights, int[] text, Level level) {
        double[][] full = probabilities(weights, text, Level.full(weights.config()));
        double[][] other = probabilities(weights, text, level);
        double sum = 0;
        for (int token = 0; token < text.length; token++) {
            for (int i = 0; i < full[token].length; i++) {
                sum += full[token][i] * Math.log(full[token][i] / other[token][i]);
            }
        }
        return sum / text.length;
    }

    private static double[][] probabilities(Weights weights, int[] text, Level level) {
        Transformer transformer = new Transformer(weights, KERNELS);
        KvCache cache = transformer.newCache(text.length);
        double[][] rows = new double[text.length][];
        for (int token = 0; token < text.length; token++) {
            transformer.read(new int[] {text[token]}, SubModel.of(weights, level), cache);
            float[] logits = transformer.logits();
            double[] exp = new double[logits.length];
            for (int i = 0; i < exp.length; i++) {
                exp[i] = Math.exp(logits[i]);
            }
            double sum = Arrays.stream(exp).sum();
            rows[token] = Arrays.stream(exp).map(value -> value / sum).toArray();
        }
        return rows;
    }

    /** Of the levels, on the texts that widths are chosen on without recovery. */
    private static double meanDivergence(GgufFile file, ModelConfig config, Pack pack) {
        Weights weights = Weights.of(config, pack.order(), new WeightPacker(file, config, pack, Precision.PACKED));
        Divergence divergence = new Divergence(weights, KERNELS, calibration(config).selection().subList(0, 2));
        return pack.levels().stream().mapToDouble(divergence::of).average().orElseThrow();
    }

    private static double lossOfHalf(GgufFile file, ModelConfig config, Order order) {
        Weights weights = Weights.of(config, order, new WeightPacker(file, config, order, Precision.FLOAT));
        Level half = Level.full(config);
        Arrays.fill(half.neurons(), config.neurons() / 2);
        return new Divergence(weights, KERNELS, calibration(config).selection()).of(half);
    }

    private static Order reversed(Order order) {
        return new Order(order.heads(), Arrays.stream(order.neurons())
                .map(units -> IntStream.range(0, units.length).map(i -> units[units.length - 1 - i]).toArray())
                .toArray(int[][]::new));
    }

    private static Calibration calibration(ModelConfig config) {
        Random random = new Random(1);
        Stream<int[]> texts = Stream.generate(() -> random.ints(40, 0, config.vocabulary()).toArray());
        List<int[]> all = texts.limit(10).toList();
        return new Calibration(all.subList(0, 7), all.subList(7, 10), all);
    }
}
