package elms.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;

class CorrectionPropertyTest {
    private static final double PREDICTED = 10;
    private static final double MARGIN = 1.6;

    private final Correction correction = new Correction();

    @Property(tries = 100)
    void promisesAreKeptAndNoWiderThanTheNoiseWhateverTheProfile(@ForAll @DoubleRange(min = 0.1, max = 10) double slowness,
            @ForAll @DoubleRange(min = 1, max = 3) double margin, @ForAll @DoubleRange(min = 0, max = 0.15) double noise,
            @ForAll long seed) {
        Random random = new Random(seed);
        measure(20, slowness, noise, random);
        int requests = 2000;
        long kept = IntStream.range(0, requests).filter(i -> {
            double promised = correction.promised(margin);
            double measured = slowness * Math.exp(noise * random.nextGaussian());
            correction.observe(PREDICTED, PREDICTED * measured);
            return measured <= promised;
        }).count();
        assertThat((double) kept / requests).isGreaterThan(0.93);
        assertThat(correction.promised(margin)).isBetween(0.9 * slowness * Math.exp(noise), 1.16 * slowness * Math.exp(3 * noise));
    }

    @Example
    void aPessimisticProfileHoldsUntilTwentyRequestsTellOtherwise() {
        measure(18, 0.5, 0.02, new Random(1));
        assertThat(correction.factor()).isCloseTo(0.5, within(0.02));
        assertThat(correction.promised(MARGIN)).isEqualTo(MARGIN);
        measure(2, 0.5, 0.02, new Random(2));
        assertThat(correction.promised(MARGIN)).isBetween(0.5, 0.6);
    }

    @Example
    void aMachineThatSlowsDownBehindAPessimisticProfileIsKnownAfterTenRequests() {
        Random random = new Random(1);
        measure(50, 0.5, 0.05, random);
        measure(10, 1, 0.05, random);
        assertThat(correction.promised(MARGIN)).isBetween(1.0, 1.2);
    }

    @Example
    void oneInterruptionChangesNothingInTheLongRunAndLittleBefore() {
        measure(20, 1, 0, new Random(1));
        correction.observe(PREDICTED, 100 * PREDICTED);
        assertThat(correction.promised(MARGIN)).isEqualTo(2);
        measure(18, 1, 0, new Random(1));
        assertThat(correction.promised(MARGIN)).isEqualTo(1.15);
        assertThat(correction.factor()).isEqualTo(1);
    }

    @Example
    void whatCannotHaveBeenTheWorkIsNotCounted() {
        measure(40, 0.01, 0, new Random(1));
        assertThat(correction.factor()).isEqualTo(1);
        assertThat(correction.promised(MARGIN)).isEqualTo(MARGIN);
    }

    @Example
    void whatWasLearntCanBeForgotten() {
        measure(40, 0.3, 0, new Random(1));
        correction.forget();
        assertThat(correction.factor()).isEqualTo(1);
        assertThat(correction.promised(MARGIN)).isEqualTo(MARGIN);
    }

    private void measure(int requests, double slowness, double noise, Random random) {
        for (int i = 0; i < requests; i++) {
            correction.observe(PREDICTED, PREDICTED * slowness * Math.exp(noise * random.nextGaussian()));
        }
    }
}
