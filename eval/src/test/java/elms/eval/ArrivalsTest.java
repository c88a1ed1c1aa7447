package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import elms.engine.ElmsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArrivalsTest {
    @TempDir
    Path folder;

    @Test
    void theSecondHalfKeepsTheBurstsOfTheTrace() throws IOException {
        Path trace = folder.resolve("trace.csv");
        Files.writeString(trace, """
                TIMESTAMP,ContextTokens,GeneratedTokens
                2023-11-16 18:15:46.0000000,374,44
                2023-11-16 18:15:46.1000000,396,109
                2023-11-16 18:15:50.1000000,396,109
                """);
        List<Double> times = Arrivals.read(trace).within(20, 0.2, 7);
        List<Double> recorded = times.subList(times.size() - 2, times.size());
        assertThat(recorded.getFirst()).isEqualTo(10);
        assertThat(recorded.getLast() - recorded.getFirst()).isCloseTo(10 * 0.1 / 4.1, within(1e-9));
    }

    @Test
    void requestsComeInOrderAtTheRateThatIsAskedForAndAgainTheSame() throws IOException {
        StringBuilder rows = new StringBuilder("TIMESTAMP\n");
        for (int i = 0; i < 3000; i++) {
            rows.append("2023-11-16 18:%02d:%02d.%d%n".formatted(i / 60, i % 60, i * 7 % 10));
        }
        Path trace = folder.resolve("trace.csv");
        Files.writeString(trace, rows);
        List<Double> times = Arrivals.read(trace).within(100, 20, 1);
        assertThat(times).isSorted().isEqualTo(Arrivals.read(trace).within(100, 20, 1));
        assertThat(times).hasSizeBetween(1800, 2200).allMatch(time -> time >= 0 && time < 100);
        assertThat(Arrivals.read(trace).within(100, 20, 2)).isNotEqualTo(times);
    }

    @Test
    void aFileThatIsNoTraceIsRefused() throws IOException {
        Path trace = Files.writeString(folder.resolve("trace.csv"), "a,b\n1,2\n");
        assertThatThrownBy(() -> Arrivals.read(trace)).isInstanceOf(ElmsException.class).hasMessageContaining("cannot be read");
    }
}
