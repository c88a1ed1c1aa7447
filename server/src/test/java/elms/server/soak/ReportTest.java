package elms.server.soak;

import static org.assertj.core.api.Assertions.assertThat;

import elms.server.soak.Report.Mark;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ReportTest {
    private static final int MARKS = 60;

    @Test
    void memoryOutsideOfTheHeapThatGrowsFailsTheReport() {
        Report report = report(mark -> 40, mark -> 200 + 0.2 * mark, mark -> 150);
        assertThat(report.outside().growth()).isBetween(0.04, 0.05);
        assertThat(report.passed()).isFalse();
    }

    @Test
    void aLiveHeapThatGrowsFailsTheReport() {
        assertThat(report(mark -> 40 + 0.1 * mark, mark -> 200, mark -> 150).passed()).isFalse();
    }

    @Test
    void pagesOfFilesThatBecomeResidentAreToldButFailNothing() {
        Report report = report(mark -> 40, mark -> 200, mark -> 100 + mark);
        assertThat(report.mapped().flat()).isFalse();
        assertThat(report.outside().flat()).isTrue();
        assertThat(report.passed()).isTrue();
    }

    @Test
    void theFirstQuarterIsWarmUp() {
        int quarter = MARKS / 4;
        Report report = report(mark -> mark <= quarter ? mark : 40, mark -> mark <= quarter ? 100 + mark : 200, mark -> 150);
        assertThat(report.heap()).isEqualTo(new Trend(40, 0, 0));
        assertThat(report.outside()).isEqualTo(new Trend(200, 0, 0));
        assertThat(report.passed()).isTrue();
    }

    private static Report report(IntToDoubleFunction heap, IntToDoubleFunction outside, IntToDoubleFunction mapped) {
        List<Mark> marks = IntStream.rangeClosed(1, MARKS).mapToObj(mark -> new Mark(mark, Map.of(), heap.applyAsDouble(mark),
                300, OptionalDouble.of(900), OptionalDouble.of(outside.applyAsDouble(mark)),
                OptionalDouble.of(mapped.applyAsDouble(mark)))).toList();
        return Report.of("model", 16, 60, new Tally(), 0, 0, marks);
    }
}
