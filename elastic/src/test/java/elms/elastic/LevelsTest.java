package elms.elastic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LevelsTest {
    /** The shape of SmolLM2-135M. */
    private static final ModelConfig CONFIG = new ModelConfig(30, 576, 9, 3, 64, 1536, 49152, 8192, 64, 100000, 1, 1e-5f, true);
    private static final Set<Integer> ANCHORS = Set.of(0, 1, 2, 11, 28, 29);

    @Test
    void aLevelComesCloseToItsShareAndKeepsItsAnchorsWhole() {
        for (double share : new double[] {0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3}) {
            Level level = Levels.of(CONFIG, ANCHORS, share);
            level.check(CONFIG);
            assertThat(level.share(CONFIG)).isCloseTo(share, within(0.01));
            for (int layer = 0; layer < 30; layer++) {
                assertThat(level.heads()[layer]).isEqualTo(ANCHORS.contains(layer) ? 9 : level.heads()[3]);
                assertThat(level.neurons()[layer] % 32).isZero();
            }
        }
    }

    @Test
    void aShareThatCannotBeReachedGivesTheSmallestLevel() {
        Level level = Levels.of(CONFIG, ANCHORS, 0.01);
        assertThat(level.heads()[3]).isEqualTo(1);
        assertThat(level.neurons()[3]).isEqualTo(32);
        assertThat(Levels.of(CONFIG, ANCHORS, 1)).isEqualTo(Level.full(CONFIG));
    }

    @Test
    void anchorsAreTheLayersThatAreMissedMost() {
        assertThat(Levels.anchors(new double[] {5, 0, 1, 2, 9, 0, 0, 0, 0, 0})).containsExactly(0, 4);
    }
}
