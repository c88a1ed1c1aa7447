package elms.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import elms.engine.model.SubModel;
import elms.planner.Forecast;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CostsTest {
    private static final int OFTEN = 200;
    private static final int ANSWER = 8;

    @TempDir
    Path folder;

    private NanoService nano;
    private SubModel full;
    private final Costs costs = new Costs(new Forecast(NanoService.LATENCY));

    @BeforeEach
    void load() {
        nano = new NanoService(folder);
        full = nano.model().full();
    }

    @AfterEach
    void close() {
        nano.close();
    }

    @Test
    void aSlowerMachineIsNoticedByStepsAndByReading() {
        double step = costs.step(full, 100);
        double read = costs.read(full, 0, 100);
        for (int i = 0; i < OFTEN; i++) {
            for (int token = 0; token < ANSWER; token++) {
                costs.stepTook(full, 1, 100, 1.5 * step / NanoService.LATENCY.decodeMargin());
            }
            costs.readTook(full, 0, 100, 0, 1.7 * read / NanoService.LATENCY.prefillMargin());
        }
        assertThat(costs.step(full, 100)).isCloseTo(1.5 * step, within(1e-3 * step));
        assertThat(costs.read(full, 0, 100)).isCloseTo(1.7 * read, within(1e-3 * read));
    }

    @Test
    void stepsOfSeveralStreamsAreLearntForEachNumber() {
        double step = costs.step(full, 100);
        double five = costs.step(full, 5, 100);
        for (int i = 0; i < OFTEN; i++) {
            costs.stepTook(full, 4, 100, 1.2 * step);
        }
        assertThat(costs.step(full, 4, 100)).isCloseTo(1.2 * step, within(1e-3 * step));
        assertThat(costs.step(full, 5, 100)).isEqualTo(five);
    }

    @Test
    void oneInterruptionChangesLittle() {
        double step = costs.step(full, 100);
        costs.stepTook(full, 1, 100, 1000 * step);
        assertThat(costs.step(full, 100)).isLessThan(1.2 * step);
    }
}
