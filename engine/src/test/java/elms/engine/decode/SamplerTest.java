package elms.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.ElmsException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SamplerTest {
    /** Probabilities 0.5, 0.25, 0.125, ... of tokens 3, 1, 4, 0, 2. */
    private static final float[] LOGITS = {-3 * ln2(), -ln2(), -4 * ln2(), 0, -2 * ln2()};

    private static float ln2() {
        return (float) Math.log(2);
    }

    @Test
    void greedyTakesTheFirstBestToken() {
        assertThat(new Sampler(Sampling.GREEDY).next(LOGITS.clone())).isEqualTo(3);
        assertThat(Sampler.best(new float[] {1, 5, 5, -2})).isEqualTo(1);
        assertThat(Sampler.best(new float[] {Float.NEGATIVE_INFINITY, -9})).isEqualTo(1);
    }

    @Test
    void filtersKeepTheTokensTheySayTheyKeep() {
        assertThat(drawn(new Sampling(1, 0, 1, 0, 1, 1))).containsExactly(0, 1, 2, 3, 4);
        assertThat(drawn(new Sampling(1, 2, 1, 0, 1, 1))).containsExactly(1, 3);
        assertThat(drawn(new Sampling(1, 0, 0.7f, 0, 1, 1))).containsExactly(1, 3);
        assertThat(drawn(new Sampling(1, 0, 0.4f, 0, 1, 1))).containsExactly(3);
        assertThat(drawn(new Sampling(1, 0, 1, 0.2f, 1, 1))).containsExactly(1, 3, 4);
    }

    @Test
    void frequenciesFollowTheTemperedProbabilities() {
        int[] counts = new int[5];
        Sampler sampler = new Sampler(new Sampling(0.5f, 0, 1, 0, 1, 42));
        for (int i = 0; i < 20_000; i++) {
            counts[sampler.next(LOGITS.clone())]++;
        }
        double best = 1 / (1 + 1 / 4.0 + 1 / 16.0 + 1 / 64.0 + 1 / 256.0);
        assertThat(counts[3] / 20_000.0).isBetween(best - 0.02, best + 0.02);
        assertThat(counts[1] / 20_000.0).isBetween(best / 4 - 0.02, best / 4 + 0.02);
    }

    @Test
    void aSeedRepeatsItsDraws() {
        Sampler one = new Sampler(new Sampling(1, 0, 1, 0, 1, 5));
        Sampler two = new Sampler(new Sampling(1, 0, 1, 0, 1, 5));
        for (int i = 0; i < 100; i++) {
            assertThat(one.next(LOGITS.clone())).isEqualTo(two.next(LOGITS.clone()));
        }
    }

    @Test
    void aPenaltyTurnsAwayFromRecentTokens() {
        Sampler sampler = new Sampler(new Sampling(0, 0, 1, 0, 2, 0));
        sampler.accept(0);
        assertThat(sampler.next(new float[] {1, 0.8f})).isEqualTo(1);
        assertThat(new Sampler(new Sampling(0, 0, 1, 0, 2, 0)).next(new float[] {-1, -1.5f})).isZero();
    }

    @Test
    void aSmallerLevelDoesNotRepeatWhatItDrewWhereNoPenaltyIsNamed() {
        float[] close = {1, 0.95f};
        Sampler small = new Sampler(Sampling.GREEDY);
        small.accept(1);
        assertThat(List.of(small.next(close.clone(), true), small.next(close.clone(), true))).containsExactly(0, 1);
        assertThat(small.next(close.clone(), false)).isZero();
        Sampler named = new Sampler(new Sampling(0, 0, 1, 0, 1, 0));
        assertThat(List.of(named.next(close.clone(), true), named.next(close.clone(), true))).containsExactly(0, 0);
    }

    @Test
    void offsetsAreAddedBeforeATokenIsDrawn() {
        float[] scores = {1, 0.8f, 0.55f};
        assertThat(drawnInTurn(new Offsets(0, 0, Map.of(2, 1f)), scores)).containsExactly(2, 2, 2, 2);
        assertThat(drawnInTurn(new Offsets(0, 0, Map.of(0, -100f, 1, -100f)), scores)).containsExactly(2, 2, 2, 2);
        assertThat(drawnInTurn(new Offsets(0.3f, 0, Map.of()), scores)).containsExactly(0, 1, 0, 0);
        assertThat(drawnInTurn(new Offsets(0, 0.3f, Map.of()), scores)).containsExactly(0, 1, 0, 2);
        assertThat(drawnInTurn(new Offsets(-0.3f, 0, Map.of()), new float[] {1, 1, 1})).containsExactly(0, 0, 0, 0);
    }

    /** A token of the prompt is not one of the answer, and a token that may not come does not come for being wanted. */
    @Test
    void offsetsTouchNeitherThePromptsTokensNorAConstraint() {
        Sampler sampler = new Sampler(Sampling.GREEDY.withOffsets(new Offsets(2, 2, Map.of(1, 100f))));
        sampler.accept(0);
        assertThat(sampler.next(new float[] {1, Float.NEGATIVE_INFINITY, 0.5f})).isZero();
    }

    private static List<Integer> drawnInTurn(Offsets offsets, float[] scores) {
        Sampler sampler = new Sampler(Sampling.GREEDY.withOffsets(offsets));
        return Stream.generate(() -> sampler.next(scores.clone())).limit(4).toList();
    }

    @Test
    void settingsOutOfRangeAreRefused() {
        assertThatThrownBy(() -> new Offsets(Float.NaN, 0, Map.of())).isInstanceOf(ElmsException.class)
                .hasMessageContaining("not finite");
        assertThatThrownBy(() -> new Offsets(0, 0, Map.of(7, 1f)).requireWithin(7)).isInstanceOf(ElmsException.class)
                .hasMessageContaining("token 7, but tokens lie between 0 and 6");
        assertThatThrownBy(() -> new Sampling(-1, 0, 1, 0, 1, 0)).isInstanceOf(ElmsException.class).hasMessageContaining("temperature");
        assertThatThrownBy(() -> new Sampling(Float.NaN, 0, 1, 0, 1, 0)).hasMessageContaining("temperature");
        assertThatThrownBy(() -> new Sampling(0, -1, 1, 0, 1, 0)).hasMessageContaining("top-k");
        assertThatThrownBy(() -> new Sampling(0, 0, 0, 0, 1, 0)).hasMessageContaining("top-p");
        assertThatThrownBy(() -> new Sampling(0, 0, 1, 2, 1, 0)).hasMessageContaining("min-p");
        assertThatThrownBy(() -> new Sampling(0, 0, 1, 0, 0, 0)).hasMessageContaining("repeat penalty");
    }

    private static Set<Integer> drawn(Sampling sampling) {
        Sampler sampler = new Sampler(sampling);
        Set<Integer> tokens = new TreeSet<>();
        for (int i = 0; i < 2_000; i++) {
            tokens.add(sampler.next(LOGITS.clone()));
        }
        return tokens;
    }
}
