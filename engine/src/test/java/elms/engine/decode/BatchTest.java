package elms.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import elms.engine.NanoModel;
import elms.engine.decode.Transformer.Continuation;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.ScalarKernels;
import elms.kernels.jdk.Provider;
import elms.kernels.jdk.ProviderUnavailableException;
import elms.kernels.jdk.VectorKernels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Several sequences at once, and sequences that begin alike: the same bits as each alone. */
class BatchTest {
    private static final int STEPS = 5;

    @TempDir
    Path folder;

    static Stream<Supplier<Kernels>> kernels() {
        return Stream.of(() -> new ScalarKernels(1), () -> new VectorKernels(2), BatchTest::nativeKernels);
    }

    private static Kernels nativeKernels() {
        try {
            return Provider.NATIVE.start(2);
        } catch (ProviderUnavailableException e) {
            return Assumptions.abort(e.getMessage());
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void aBatchGivesEachSequenceTheBitsThatItGetsAlone(Supplier<Kernels> provider) {
        try (Kernels kernels = provider.get()) {
            Transformer transformer = transformer(kernels);
            for (SubModel level : levels(transformer.weights())) {
                for (int count = 1; count <= 4; count++) {
                    List<KvCache> caches = new ArrayList<>();
                    float[][][] alone = new float[count][][];
                    for (int i = 0; i < count; i++) {
                        alone[i] = alone(transformer, level, i);
                        KvCache cache = transformer.newCache(200);
                        transformer.read(prompt(i), level, cache);
                        caches.add(cache);
                    }
                    for (int step = 0; step < STEPS; step++) {
                        List<Continuation> batch = new ArrayList<>();
                        for (int i = 0; i < count; i++) {
                            batch.add(new Continuation(next(i, step), caches.get(i)));
                        }
                        transformer.step(batch, level);
                        float[][] scores = transformer.candidatesOfFirst(count);
                        for (int i = 0; i < count; i++) {
                            assertThat(scores[i]).isEqualTo(alone[i][step]);
                        }
                    }
                    caches.forEach(KvCache::close);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void aForkGoesItsOwnWayAndTheOriginalToo(Supplier<Kernels> provider) {
        try (Kernels kernels = provider.get()) {
            Transformer transformer = transformer(kernels);
            SubModel full = levels(transformer.weights()).getFirst();
            int[] prompt = prompt(3);
            for (int shared : new int[] {1, 60, 128, prompt.length}) {
                KvCache original = transformer.newCache(200);
                transformer.read(prompt, full, original);
                KvCache fork = original.fork(shared, 200);
                transformer.read(next(7, 1), full, original);
                float[] expectedOfOriginal = transformer.candidates().clone();
                transformer.read(Arrays.copyOfRange(prompt, shared, prompt.length), full, fork);
                transformer.read(next(9, 2), full, fork);
                float[] scores = transformer.candidates().clone();
                original.truncate(prompt.length);
                transformer.read(next(7, 1), full, original);
                assertThat(transformer.candidates()).isEqualTo(expectedOfOriginal);
                original.close();
                KvCache anew = transformer.newCache(200);
                transformer.read(prompt, full, anew);
                transformer.read(next(9, 2), full, anew);
                assertThat(scores).isEqualTo(transformer.candidates());
                fork.close();
                anew.close();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void everyTokenOfABatchGetsTheScoresThatItGetsAsTheLast(Supplier<Kernels> provider) {
        try (Kernels kernels = provider.get()) {
            Transformer transformer = transformer(kernels);
            int[][] prompts = {prompt(1), prompt(2)};
            for (SubModel level : levels(transformer.weights())) {
                try (KvCache first = transformer.newCache(200); KvCache second = transformer.newCache(200)) {
                    transformer.read(List.of(new Continuation(prompts[0], first), new Continuation(prompts[1], second)), level);
                    float[] last = transformer.logitsOf(1);
                    float[] all = transformer.logits(0, prompts[0].length + prompts[1].length);
                    int row = 0;
                    for (int[] prompt : prompts) {
                        try (KvCache alone = transformer.newCache(200)) {
                            for (int id : prompt) {
                                transformer.read(new int[] {id}, level, alone);
                                float[] expected = transformer.logits();
                                int from = row++ * expected.length;
                                assertThat(Arrays.copyOfRange(all, from, from + expected.length)).isEqualTo(expected);
                            }
                        }
                    }
                    assertThat(last).isEqualTo(transformer.logits());
                }
            }
        }
    }

    @Test
    void whatAClosedCacheHeldIsNotMadeUp() {
        try (Kernels kernels = new ScalarKernels(1)) {
            Transformer transformer = transformer(kernels);
            KvCache cache = transformer.newCache(200);
            transformer.read(prompt(1), levels(transformer.weights()).getFirst(), cache);
            cache.close();
            assertThat(transformer.logits()).doesNotContain(Float.NaN);
            assertThatIllegalStateException().isThrownBy(() -> transformer.logits(0, 2)).withMessageContaining("cache");
        }
    }

    private static float[][] alone(Transformer transformer, SubModel level, int sequence) {
        float[][] scores = new float[STEPS][];
        try (KvCache cache = transformer.newCache(200)) {
            transformer.read(prompt(sequence), level, cache);
            for (int step = 0; step < STEPS; step++) {
                transformer.step(List.of(new Continuation(next(sequence, step), cache)), level);
                scores[step] = transformer.candidates().clone();
            }
        }
        return scores;
    }

    private static int[] prompt(int sequence) {
        return new Random(sequence).ints(1 + 45 * sequence, 0, 100).toArray();
    }

    /** A token, or in some steps several. */
    private static int[] next(int sequence, int step) {
        return new Random(100L * sequence + step).ints(step == 2 ? 1 + 3 * sequence : 1, 0, 100).toArray();
    }

    private Transformer transformer(Kernels kernels) {
        try (GgufFile file = GgufFile.open(NanoModel.ODD.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            return new Transformer(Weights.of(config, Order.identity(config),
                    new WeightPacker(file, config, Order.identity(config), Precision.PACKED)), kernels);
        }
    }

    private static List<SubModel> levels(Weights weights) {
        Level small = Level.full(weights.config());
        Arrays.fill(small.heads(), 3);
        Arrays.fill(small.neurons(), 32);
        small.heads()[1] = 0;
        return List.of(SubModel.of(weights, Level.full(weights.config())), SubModel.of(weights, small));
    }
}
