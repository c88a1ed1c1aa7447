package elms.eval.baseline;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.NanoModel;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.TensorType;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.TestWeights;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.ScalarKernels;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LayerChoiceTest {
    private static final int LAYERS = 9;
    private static final NanoModel MODEL = new NanoModel(LAYERS, 43, 6, 2, 14, 75, 101, true, TensorType.F32, 7);
    private static final List<Integer> INERT = List.of(5, 6, 7);

    @TempDir
    Path folder;

    private final Kernels kernels = new ScalarKernels(1);
    private final List<int[]> texts = texts();
    private ModelConfig config;
    private Weights weights;

    /** Its layers 5 to 7 add nothing to the residual stream. */
    @BeforeEach
    void open() {
        try (GgufFile file = GgufFile.open(MODEL.write(folder))) {
            config = ModelConfig.of(file);
            Order order = Order.identity(config);
            weights = TestWeights.masked(Weights.of(config, order, new WeightPacker(file, config, order, Precision.FLOAT)),
                    LayerChoice.without(config, INERT));
        }
    }

    @AfterEach
    void close() {
        kernels.close();
    }

    private static List<int[]> texts() {
        Random random = new Random(3);
        return Stream.generate(() -> random.ints(40, 0, MODEL.vocabulary()).toArray()).limit(3).toList();
    }

    private List<LayerChoice> choices() {
        return List.of(RankedLayers.byLeaveOneOut(weights, kernels, texts),
                RankedLayers.byBlockInfluence(weights, kernels, texts), new CollapsedLayers(weights, kernels, texts));
    }

    @Test
    void layersThatAddNothingAreLeftOutFirst() {
        for (LayerChoice choice : choices()) {
            assertThat(choice.layers(INERT.size())).as(choice.name()).containsExactlyInAnyOrderElementsOf(INERT);
        }
    }

    @Test
    void asManyLayersAreLeftOutAsAreAskedFor() {
        for (LayerChoice choice : choices()) {
            for (int count = 0; count < LAYERS - 2; count++) {
                assertThat(choice.layers(count)).as(choice.name()).hasSize(count).doesNotHaveDuplicates()
                        .allMatch(layer -> layer >= 0 && layer < LAYERS);
            }
        }
    }

    @Test
    void aLevelHasTheNearestShareThatWholeLayersAllow() {
        for (LayerChoice choice : choices()) {
            for (double share : new double[] {0.45, 0.5, 0.62, 0.9}) {
                Level level = choice.level(config, share);
                double nearest = IntStream.range(0, LAYERS)
                        .mapToObj(count -> LayerChoice.without(config, IntStream.range(0, count).boxed().toList()))
                        .mapToDouble(any -> Math.abs(any.share(config) - share)).min().orElseThrow();
                assertThat(Math.abs(level.share(config) - share)).as(choice.name()).isEqualTo(nearest);
            }
        }
    }
}
