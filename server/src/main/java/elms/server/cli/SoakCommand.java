package elms.server.cli;

import elms.server.soak.Report;
import elms.server.soak.Report.Mark;
import elms.server.soak.Soak;
import elms.server.soak.Trend;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(name = "soak", mixinStandardHelpOptions = true,
        description = "Serves clients that wait, read slowly, go away and ask for too much, and fails if an answer is wrong, a request"
                + " gets stuck, or memory grows.")
final class SoakCommand implements Callable<Integer> {
    private static final int FAILED = 1;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions options;

    @Option(names = "--minutes", paramLabel = "N", defaultValue = "60", description = "How long (default: ${DEFAULT-VALUE}).")
    private int minutes;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    @Override
    public Integer call() {
        if (minutes < 1) {
            throw new ParameterException(spec.commandLine(), "--minutes is " + minutes + ", but must be at least 1");
        }
        try (Screen screen = new Screen(); ModelOptions.Started started = options.start(screen)) {
            Soak soak = new Soak(started.model(), started.kernels(), meters -> ServeCommand.load(started, screen, meters, () -> {}),
                    mark -> screen.line(line(mark)));
            Report report = soak.run(minutes, Duration.ofMinutes(1));
            screen.close();
            System.out.print(json ? Json.of(report) + "\n" : table(report));
            return report.passed() ? 0 : FAILED;
        }
    }

    private static String line(Mark mark) {
        return String.format(Locale.ROOT, "elms: minute %d: %s, live heap %.2f MB, keys and values %.1f MB,"
                + " resident %.1f MB, outside the heap %.1f MB, mapped files %.1f MB",
                mark.number(), mark.outcomes(), mark.heapMb(), mark.pagesMb(), mark.residentMb().orElse(Double.NaN),
                mark.outsideMb().orElse(Double.NaN), mark.mappedMb().orElse(Double.NaN));
    }

    private static String table(Report report) {
        StringBuilder table = new StringBuilder();
        table.append(report.requests()).append(" requests: ").append(report.visits()).append("\nended: ").append(report.outcomes())
                .append("\nstuck: ").append(report.stuck()).append(", pages left: ").append(report.pagesLeft()).append('\n');
        row(table, "live heap", report.heap());
        row(table, "outside it", report.outside());
        row(table, "files", report.mapped());
        report.faults().forEach(fault -> table.append(fault).append('\n'));
        return table.append(report.passed() ? "passed\n" : "failed\n").toString();
    }

    private static void row(StringBuilder table, String name, Trend trend) {
        table.append(String.format(Locale.ROOT, "%-10s%8.1f MB, growth %+.2f %%, steadiness %+.1f: %s%n", name, trend.median(),
                100 * trend.growth(), trend.steadiness(), trend.flat() ? "flat" : "grows"));
    }
}
