package elms.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import elms.engine.NanoModel;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.jdk.VectorKernels;
import elms.planner.LatencyModel.Sample;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LatencyModelTest {
    @TempDir
    Path folder;

    private Weights weights;
    private SubModel full;
    private SubModel half;

    @BeforeEach
    void load() {
        try (GgufFile file = GgufFile.open(NanoModel.ODD.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            weights = Weights.of(config, Order.identity(config),
                    new WeightPacker(file, config, Order.identity(config), Precision.FLOAT));
            full = SubModel.of(weights, Level.full(config));
            Level level = Level.full(config);
            Arrays.fill(level.heads(), 3);
            Arrays.fill(level.neurons(), 32);
            half = SubModel.of(weights, level);
        }
    }

    @Test
    void pricesAreFoundAgainFromNoisyMeasurements() {
        LatencyModel truth = new LatencyModel(new double[] {2, 3, 5, 700, 0.05}, new double[] {1, 20, 400, 0}, 1, 1);
        Random random = new Random(1);
        List<Sample> prefill = new ArrayList<>();
        List<Sample> decode = new ArrayList<>();
        for (int round = 0; round < 20; round++) {
            for (SubModel level : List.of(full, half)) {
                for (int tokens : new int[] {16, 64, 256, 600}) {
                    double noise = 1 + 0.02 * random.nextGaussian();
                    prefill.add(new Sample(level, tokens, truth.prefillMillis(level, tokens) * noise));
                    decode.add(new Sample(level, tokens, truth.decodeMillis(level, tokens) * noise));
                }
            }
        }
        LatencyModel fitted = LatencyModel.fit(prefill, decode);
        assertThat(fitted.prefillMargin()).isBetween(1.01, 1.06);
        for (SubModel level : List.of(full, half)) {
            for (int tokens : new int[] {32, 500, 1000}) {
                assertThat(fitted.prefillMillis(level, tokens) / truth.prefillMillis(level, tokens)).isCloseTo(1.03, within(0.06));
                assertThat(fitted.decodeMillis(level, tokens) / truth.decodeMillis(level, tokens)).isCloseTo(1.03, within(0.06));
            }
        }
    }

    @Test
    void pricesAreFoundThoughEverySixthMeasurementWasDisturbed() {
        LatencyModel truth = new LatencyModel(new double[] {2, 3, 5, 700, 0.05}, new double[] {1, 20, 400, 0}, 1, 1);
        List<Sample> samples = new ArrayList<>();
        for (int round = 0; round < 6; round++) {
            for (SubModel level : List.of(full, half)) {
                for (int tokens : new int[] {16, 64, 256, 600, 1500}) {
                    double disturbed = (samples.size() + round) % 6 == 0 ? 3 : 1;
                    samples.add(new Sample(level, tokens, truth.prefillMillis(level, tokens) * disturbed));
                }
            }
        }
        LatencyModel fitted = LatencyModel.fit(samples, samples);
        for (int tokens : new int[] {32, 500, 1000}) {
            assertThat(fitted.prefillMillis(half, tokens) / fitted.prefillMargin())
                    .isCloseTo(truth.prefillMillis(half, tokens), withinPercentage(1));
        }
        assertThat(fitted.prefillMargin()).isCloseTo(3, within(0.1));
    }

    @Test
    void noPriceIsNegative() {
        List<Sample> falling = List.of(new Sample(full, 16, 30), new Sample(full, 64, 20), new Sample(half, 256, 10));
        LatencyModel fitted = LatencyModel.fit(falling, falling);
        assertThat(Arrays.stream(fitted.prefill())).allMatch(price -> price >= 0);
        assertThat(Arrays.stream(fitted.decode())).allMatch(price -> price >= 0);
    }

    @Test
    void theProfilerMeasuresARealModel() {
        List<Double> progress = new ArrayList<>();
        try (VectorKernels kernels = new VectorKernels(1)) {
            LatencyModel measured = new Profiler(new Transformer(weights, kernels), progress::add).measure(List.of(full, half));
            assertThat(measured.prefillMillis(full, 512)).isPositive().isFinite();
            assertThat(measured.decodeMillis(half, 512)).isPositive().isFinite();
        }
        assertThat(progress).isSorted().endsWith(1.0);
    }

    @Test
    void aDamagedModelIsRefused() {
        assertThatThrownBy(() -> new LatencyModel(new double[4], new double[4], 1, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new LatencyModel(new double[5], new double[4], Double.NaN, 1))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
