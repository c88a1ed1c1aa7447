package elms.eval;

import elms.engine.ElmsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** When requests come: by chance in the first half of a run, in the second as in a recorded trace, which comes in bursts. */
final class Arrivals {
    private final List<Double> recorded;

    private Arrivals(List<Double> recorded) {
        this.recorded = recorded;
    }

    /** Reads a trace whose rows begin with a timestamp. */
    static Arrivals read(Path trace) {
        try (Stream<String> lines = Files.lines(trace)) {
            List<LocalDateTime> times = lines.skip(1).map(line -> line.split(",")[0].replace(' ', 'T')).map(LocalDateTime::parse)
                    .toList();
            List<Double> gaps = new ArrayList<>();
            for (int i = 1; i < times.size(); i++) {
                gaps.add(Duration.between(times.get(i - 1), times.get(i)).toNanos() / 1e9);
            }
            return new Arrivals(gaps);
        } catch (IOException | RuntimeException e) {
            throw new ElmsException("the trace " + trace + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Seconds from the start of a run.
     *
     * @param rate requests a second
     */
    List<Double> within(double seconds, double rate, long seed) {
        Random random = new Random(seed);
        List<Double> times = new ArrayList<>();
        for (double time = gap(random, rate); time < seconds / 2; time += gap(random, rate)) {
            times.add(time);
        }
        int count = Math.max(1, (int) Math.round(rate * seconds / 2));
        int from = random.nextInt(Math.max(1, recorded.size() - count));
        List<Double> window = recorded.subList(from, Math.min(recorded.size(), from + count));
        double scale = seconds / 2 / window.stream().mapToDouble(Double::doubleValue).sum();
        double time = seconds / 2;
        for (double gap : window) {
            times.add(time);
            time += scale * gap;
        }
        return times;
    }

    private static double gap(Random random, double rate) {
        return -Math.log(1 - random.nextDouble()) / rate;
    }
}
