package elms.elastic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class WidthsTest {
    /** The shape of SmolLM2-135M. */
    private static final ModelConfig CONFIG = new ModelConfig(30, 576, 9, 3, 64, 1536, 49152, 8192, 64, 100000, 1, 1e-5f, true);

    /** The last layers matter more; half of a block is easily missed. */
    private final Widths widths = Widths.measure(CONFIG, Widths.THIRDS, WidthsTest::loss, (step, share) -> {});

    private static double loss(Level level) {
        double loss = 0;
        for (int layer = 0; layer < CONFIG.layers(); layer++) {
            double missing = 1 - level.heads()[layer] / 9.0 + 3 * (1 - level.neurons()[layer] / 1536.0);
            loss += (layer < 20 ? 0.1 : 0.3) * missing * missing;
        }
        return loss;
    }

    @Test
    void aLevelComesCloseToItsShareAndKeepsMoreWhereItCosts() {
        for (double share : new double[] {0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3}) {
            Level level = widths.of(share);
            level.check(CONFIG);
            assertThat(level.share(CONFIG)).isCloseTo(share, within(0.015));
            assertThat(level.neurons()[25]).isGreaterThanOrEqualTo(level.neurons()[5]);
            assertThat(level.heads()[25]).isGreaterThanOrEqualTo(level.heads()[5]);
            assertThat(level.neurons()[5] % 32).isZero();
        }
    }

    @Test
    void aShareThatCannotBeReachedGivesTheSmallestLevel() {
        Level level = widths.of(0.01);
        assertThat(level.heads()).containsOnly(1);
        assertThat(level.neurons()).containsOnly(32);
        assertThat(widths.of(1)).isEqualTo(Level.full(CONFIG));
    }

    @Test
    void lossesAreMeasuredByCuttingOneBlockAtATime() {
        Widths measured = Widths.measure(CONFIG, Widths.THIRDS, level -> {
            int cutHeads = 30 * 9 - Arrays.stream(level.heads()).sum();
            int cutNeurons = 30 * 1536 - Arrays.stream(level.neurons()).sum();
            assertThat(cutHeads == 0 ^ cutNeurons == 0).isTrue();
            return level.heads()[7] < 9 || level.neurons()[7] < 1536 ? 1 : 0.1;
        }, (step, share) -> {});
        Level level = measured.of(0.5);
        assertThat(level.neurons()[7]).isEqualTo(1536);
        assertThat(level.heads()[7]).isEqualTo(9);
    }

    /** Two thirds of layer 3's neurons cost nothing, and a part of that would cost more: the hull skips it. */
    @Test
    void cutsFollowTheConvexHull() {
        Widths measured = Widths.measure(CONFIG, Widths.THIRDS,
                level -> level.neurons()[3] == 1024 ? 0.5 : level.neurons()[3] == 512 ? 0 : 1, (step, share) -> {});
        Level level = measured.of(0.985);
        assertThat(level.neurons()[3]).isEqualTo(608);
        assertThat(Arrays.stream(level.neurons()).filter(kept -> kept < 1536).count()).isEqualTo(1);
    }
}
