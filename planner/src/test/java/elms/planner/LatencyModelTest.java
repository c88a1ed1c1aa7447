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
import elms.planner.LatencyModel.Run;
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
        LatencyModel truth = new LatencyModel(new double[] {2, 3, 5, 700, 0.05}, new double[] {1, 20, 400, 0}, 1, 1, Settling.NONE);
        Random random = new Random(1);
        List<Sample> prefill = new ArrayList<>();
        List<Run> decode = new ArrayList<>();
        for (int round = 0; round < 20; round++) {
            for (SubModel level : List.of(full, half)) {
                for (int tokens : new int[] {16, 64, 256, 600}) {
                    double noise = 1 + 0.02 * random.nextGaussian();
                    prefill.add(new Sample(level, tokens, truth.prefillMillis(level, tokens) * noise));
                    decode.add(run(level, tokens, truth, noise));
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
        LatencyModel truth = new LatencyModel(new double[] {2, 3, 5, 700, 0.05}, new double[] {1, 20, 400, 0}, 1, 1, Settling.NONE);
        List<Sample> samples = new ArrayList<>();
        for (int round = 0; round < 6; round++) {
            for (SubModel level : List.of(full, half)) {
                for (int tokens : new int[] {16, 64, 256, 600, 1500}) {
                    double disturbed = (samples.size() + round) % 6 == 0 ? 3 : 1;
                    samples.add(new Sample(level, tokens, truth.prefillMillis(level, tokens) * disturbed));
                }
            }
        }
        LatencyModel fitted = LatencyModel.fit(samples, List.of(run(full, 64, truth, 1), run(half, 64, truth, 1)));
        for (int tokens : new int[] {32, 500, 1000}) {
            assertThat(fitted.prefillMillis(half, tokens) / fitted.prefillMargin())
                    .isCloseTo(truth.prefillMillis(half, tokens), withinPercentage(1));
        }
        assertThat(fitted.prefillMargin()).isCloseTo(3, within(0.1));
    }

    @Test
    void firstStepsOfASmallLevelArePricedApart() {
        Settling settling = new Settling(new double[] {half.share(), 1}, new double[] {0.5, 0}, new double[] {0.8, 0});
        LatencyModel truth = new LatencyModel(new double[] {2, 3, 5, 700, 0.05}, new double[] {1, 20, 40, 0}, 1, 1, settling);
        List<Run> runs = new ArrayList<>();
        for (int tokens : new int[] {200, 500, 900}) {
            runs.add(run(full, tokens, truth, 1));
            runs.add(run(half, tokens, truth, 1));
        }
        LatencyModel fitted = LatencyModel.fit(List.of(new Sample(full, 16, 30)), runs);
        for (int answer : new int[] {2, 9, 64}) {
            for (SubModel level : List.of(full, half)) {
                assertThat(fitted.steps(level, 300).tpotMillis(answer))
                        .isCloseTo(truth.steps(level, 300).tpotMillis(answer), withinPercentage(2));
            }
        }
        double between = (1 + half.share()) / 2;
        assertThat(settling.steps(between, 1).unsettled()).isCloseTo(0.25, within(1e-9));
        assertThat(settling.steps(half.share() / 2, 1).unsettled()).isEqualTo(0.5);
    }

    /** Steps that take what a model says, but for noise. */
    private static Run run(SubModel level, int context, LatencyModel truth, double noise) {
        double[] millis = new double[32];
        for (int i = 0; i < millis.length; i++) {
            millis[i] = truth.steps(level, context + i).meanMillis(i, 1) * noise;
        }
        return new Run(level, context, millis);
    }

    @Test
    void noPriceIsNegative() {
        List<Sample> falling = List.of(new Sample(full, 16, 30), new Sample(full, 64, 20), new Sample(half, 256, 10));
        LatencyModel fitted = LatencyModel.fit(falling, List.of(new Run(full, 16, new double[] {9, 8, 7, 6}),
                new Run(full, 64, new double[] {6, 5, 4, 3}), new Run(half, 256, new double[] {1, 1, 2, 9})));
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
    void aRequestTakesItsWorkAndWhatIsBesideIt() {
        LatencyModel work = new LatencyModel(new double[] {2, 3, 5, 700, 0.05}, new double[] {1, 20, 400, 0}, 1.1, 1.2, Settling.NONE);
        LatencyModel requests = work.with(new RequestOverhead(7, 1.5));
        assertThat(work.ttftMillis(full, 100)).isEqualTo(work.prefillMillis(full, 100));
        assertThat(work.tpotMillis(full, 100, 9)).isEqualTo(work.steps(full, 104).tpotMillis(9));
        assertThat(requests.ttftMillis(full, 100)).isEqualTo(work.ttftMillis(full, 100) + 7);
        assertThat(requests.tpotMillis(full, 100, 9)).isEqualTo(1.5 * work.tpotMillis(full, 100, 9));
        assertThat(requests.prefillMillis(full, 100)).isEqualTo(work.prefillMillis(full, 100));
        assertThatThrownBy(() -> new RequestOverhead(-1, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new RequestOverhead(0, Double.NaN)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aDamagedModelIsRefused() {
        assertThatThrownBy(() -> new LatencyModel(new double[4], new double[4], 1, 1, Settling.NONE))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new LatencyModel(new double[5], new double[4], Double.NaN, 1, Settling.NONE))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
