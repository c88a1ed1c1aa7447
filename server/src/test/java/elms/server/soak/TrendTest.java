package elms.server.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TrendTest {
    private static final int MARKS = 45;

    @Test
    void aSmallLeakUnderNoiseIsFound() {
        Random random = new Random(1);
        Trend leak = Trend.of(figures(mark -> 40 + 0.04 * mark + random.nextGaussian() / 3));
        assertThat(leak.growth()).isEqualTo(0.04 * (MARKS - 1) / 41, within(0.02));
        assertThat(leak.flat()).isFalse();
    }

    @Test
    void noiseAndOutliersAreNoLeak() {
        Random random = new Random(2);
        assertThat(Trend.of(figures(mark -> 40 + random.nextGaussian())).flat()).isTrue();
        assertThat(Trend.of(figures(mark -> mark > 42 ? 80 : 40)).growth()).isZero();
    }

    @Test
    void aSteadyGrowthOfLittleIsNotWorthANameAndShrinkingIsNoGrowth() {
        assertThat(Trend.of(figures(mark -> 40 + 0.01 * mark)).flat()).isTrue();
        assertThat(Trend.of(figures(mark -> 40 - mark / 4.0)).flat()).isTrue();
    }

    @Test
    void tooFewMarksTellNothing() {
        assertThat(Trend.of(List.of()).flat()).isTrue();
        assertThat(Trend.of(List.of(1.0)).flat()).isTrue();
        assertThat(Trend.of(List.of(1.0, 2.0)).flat()).isTrue();
    }

    private static List<Double> figures(IntToDoubleFunction figure) {
        return IntStream.range(0, MARKS).mapToObj(figure::applyAsDouble).toList();
    }
}
