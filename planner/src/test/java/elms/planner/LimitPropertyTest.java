package elms.planner;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.ElmsException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;

class LimitPropertyTest {
    @Property
    void anyTextIsALimitOrOneSentence(@ForAll String text) {
        try {
            assertThat(Limit.parse(text).millis(1)).isPositive().isFinite();
        } catch (ElmsException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }

    @Property
    void everyPositiveNumberIsReadBack(@ForAll @DoubleRange(min = 0.01, max = 1e9) double number) {
        assertThat(Limit.parse(String.valueOf(number))).isEqualTo(new Limit.Ratio(number));
        assertThat(Limit.parse(number + "ms")).isEqualTo(new Limit.Time(number));
    }
}
