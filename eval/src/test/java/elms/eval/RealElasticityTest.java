package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.SubModel;
import elms.engine.model.TestWeights;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.jdk.VectorKernels;
import elms.text.GgufTokenizer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Reordering and levels are exact on real weights. */
class RealElasticityTest {
    private static final String TEXT = "Question: Which gas do plants absorb during photosynthesis?\nAnswer: Plants take in carbon"
            + " dioxide through small openings in their leaves and release oxygen.";

    private static GgufFile file;
    private static ModelConfig config;
    private static Kernels kernels;
    private static int[] ids;
    private static Weights floats;

    @BeforeAll
    static void open() {
        file = SmolLm2.open();
        config = ModelConfig.of(file);
        kernels = new VectorKernels(2);
        try (GgufTokenizer tokenizer = new GgufTokenizer(file.metadata())) {
            ids = tokenizer.encode(TEXT).ids();
        }
        floats = SmolLm2.weights(file, TestWeights.shuffled(config, 5), Precision.FLOAT);
    }

    @AfterAll
    static void close() {
        if (file != null) {
            kernels.close();
            file.close();
        }
    }

    @Test
    void thePermutedFullModelEqualsTheOriginal() {
        Weights original = SmolLm2.weights(file, Order.identity(config), Precision.PACKED);
        float[] expected = logits(original, Level.full(config));
        assertThat(largestDifference(logits(floats, Level.full(config)), expected)).isLessThan(1e-3);
    }

    /** Neurons change their blocks of 32, so the down matrices go from 4 bits to 8. */
    @Test
    void packingAnOrderChangesLogProbabilitiesLittle() {
        double[] expected = logProbabilities(SmolLm2.weights(file, Order.identity(config), Precision.PACKED));
        double[] packed = logProbabilities(SmolLm2.weights(file, TestWeights.shuffled(config, 5), Precision.PACKED));
        double sum = 0;
        for (int i = 0; i < expected.length; i++) {
            sum += Math.abs(packed[i] - expected[i]);
        }
        assertThat(sum / expected.length).isLessThan(0.05);
    }

    @Test
    void aLevelEqualsTheFullModelWithTheOtherUnitsMasked() {
        for (double keep : new double[] {0.75, 0.4}) {
            Level level = Level.full(config);
            for (int layer = 1; layer < config.layers(); layer++) {
                level.heads()[layer] = (int) (keep * config.heads() + layer % 3 - 1);
                level.neurons()[layer] = (int) (keep * config.neurons()) / 32 * 32;
            }
            level.heads()[7] = 0;
            level.neurons()[9] = 0;
            float[] expected = logits(TestWeights.masked(floats, level), Level.full(config));
            assertThat(largestDifference(logits(floats, level), expected)).isLessThan(1e-3);
        }
    }

    private static double[] logProbabilities(Weights weights) {
        return new Perplexity(new Transformer(weights, kernels), SubModel.of(weights, Level.full(config))).logProbabilities(ids);
    }

    private static float[] logits(Weights weights, Level level) {
        Transformer transformer = new Transformer(weights, kernels);
        transformer.read(ids, SubModel.of(weights, level), transformer.newCache(ids.length));
        return transformer.logits(0, ids.length);
    }

    private static double largestDifference(float[] a, float[] b) {
        double largest = 0;
        for (int i = 0; i < a.length; i++) {
            largest = Math.max(largest, Math.abs(a[i] - b[i]));
        }
        return largest;
    }
}
