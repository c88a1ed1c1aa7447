package elms.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.ElmsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LimitTest {
    @Test
    void readsRatiosAndTimes() {
        assertThat(Limit.parse("0.4")).isEqualTo(new Limit.Ratio(0.4));
        assertThat(Limit.parse(".5")).isEqualTo(new Limit.Ratio(0.5));
        assertThat(Limit.parse("1")).isEqualTo(new Limit.Ratio(1));
        assertThat(Limit.parse("300ms")).isEqualTo(new Limit.Time(300));
        assertThat(Limit.parse("1.5s")).isEqualTo(new Limit.Time(1500));
        assertThat(Limit.parse(" 2 S ")).isEqualTo(new Limit.Time(2000));
        assertThat(Limit.parse("1e-1")).isEqualTo(new Limit.Ratio(0.1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "fast", "-1", "0", "0ms", "NaN", "Infinity", "1e999", "300 min", "0,4", "ms", "1.2.3", "0x10", "1f",
        "300ms300ms", "\u0664"})
    void whatIsNoLatencyIsRefusedWithASentence(String text) {
        assertThatThrownBy(() -> Limit.parse(text)).isInstanceOf(ElmsException.class).message().doesNotContain("\n");
    }

    @Test
    void aRatioIsOfTheFullModel() {
        assertThat(new Limit.Ratio(0.4).millis(200)).isEqualTo(80);
        assertThat(new Limit.Time(30).millis(200)).isEqualTo(30);
    }
}
