package elms.server.cli;

import elms.engine.ElmsException;
import elms.eval.AnswerStore;
import elms.eval.planner.PlannerQuality;
import elms.eval.planner.PlannerReport;
import elms.planner.LatencyModel;
import elms.planner.compact.PromptReader;
import elms.server.Answers;
import elms.server.Profiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.DoubleConsumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "planner", mixinStandardHelpOptions = true,
        description = "Measures how well plans are predicted and chosen, against other ways to keep an SLO.")
final class PlannerEvalCommand implements Callable<Integer> {
    @Mixin
    private ModelOptions options;

    @Option(names = "--data", paramLabel = "DIR", defaultValue = "../shared/data",
            description = "Folder with text/wikitext2.test.txt and qa/*.jsonl (default: ${DEFAULT-VALUE}).")
    private Path data;

    @Option(names = "--requests", paramLabel = "N", defaultValue = "200",
            description = "Requests whose latency is predicted and measured (default: ${DEFAULT-VALUE}). With none here and in"
                    + " --each, the machine is not measured anew.")
    private int requests;

    @Option(names = "--each", paramLabel = "N", defaultValue = "60",
            description = "Short requests under each of the paper's 48 SLOs (default: ${DEFAULT-VALUE}).")
    private int each;

    @Option(names = "--limit", paramLabel = "N", defaultValue = "20",
            description = "Questions of each task, in a seeded order (default: ${DEFAULT-VALUE}).")
    private int limit;

    @Option(names = "--all", description = "All questions, which takes hours; a run that was stopped goes on where it was.")
    private boolean all;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    @Override
    public Integer call() {
        Path text = data.resolve("text/wikitext2.test.txt");
        if (!Files.isReadable(text)) {
            throw new ElmsException("there is no text " + text + "; give --data the folder of the tasks");
        }
        try (Screen screen = new Screen(); KernelOptions.Started started = options.start(screen);
                AnswerStore known = Answers.of(started.stored(), started.key(), started.kernels(),
                        warning -> screen.line("elms: " + warning))) {
            PromptReader reader = started.reader().orElseThrow(() -> new ElmsException("the pack of " + options.model()
                    + " has no planner; train one with elms elasticize " + options.model()
                    + " --only planner --calibration FILE…"));
            Profiles profiles = new Profiles(started.stored(), started.model(), started.kernels());
            DoubleConsumer progress = screen.step("Measuring this machine");
            LatencyModel latency = requests + each > 0 ? profiles.measure(progress) : profiles.get(progress);
            PlannerQuality quality = new PlannerQuality(started.model(), started.kernels(), latency, reader, known,
                    screen.step("Measuring plans"));
            PlannerReport report = quality.measure(Files.readString(text), data, requests, each, all ? Integer.MAX_VALUE : limit);
            screen.close();
            System.out.print(json ? Json.of(report) + "\n" : table(report));
        } catch (IOException e) {
            throw new ElmsException(text + " cannot be read: " + e.getMessage(), e);
        }
        return 0;
    }

    private static String table(PlannerReport report) {
        Formatter table = new Formatter(Locale.ROOT);
        promises(report, table);
        accuracy(report, table);
        table.format("%n");
        report.headStart().forEach(row -> table.format("first %d tokens full, then the smallest level: %.1f%n", row.fullTokens(),
                row.accuracy()));
        compression(report.compression(), table);
        return table.toString();
    }

    static void compression(List<PlannerReport.Shortened> rows, Formatter table) {
        table.format("%n%-40s%6s%10s%10s%n", "shortened to", "kept", "examples", "passages");
        rows.forEach(row -> table.format("%-40s%6.2f%10.1f%10.1f%n", row.method(), row.kept(), row.examples(), row.passages()));
    }

    private static void promises(PlannerReport report, Formatter table) {
        PlannerReport.Predictions latency = report.latency();
        table.format("%d requests: median error %.1f %%, 95th percentile %.1f %%; %.0f %% called feasible, SLO kept in %.1f %% of them%n",
                latency.requests(), 100 * latency.medianError(), 100 * latency.p95Error(), 100 * latency.feasible(),
                100 * latency.sloKept());
        latency.errors().forEach((kind, errors) -> table.format("  %s: %d, median error %.1f %%, 95th percentile %.1f %%%n", kind,
                errors.count(), 100 * errors.median(), 100 * errors.p95()));
        report.promises().entrySet().stream().min(Comparator.comparingDouble(promise -> promise.getValue().sloKept()))
                .ifPresent(least -> table.format("under each of %d SLOs kept in at least %.1f %% of the feasible (%s, %.0f %% feasible)%n",
                        report.promises().size(), 100 * least.getValue().sloKept(), least.getKey(),
                        100 * least.getValue().feasible()));
        table.format("the compact language model takes %.1f %% of the full model's TTFT (%.1f %% at most)%n%n",
                100 * report.overhead().shareOfTtft(), 100 * report.overhead().largest());
    }

    private static void accuracy(PlannerReport report, Formatter table) {
        Map<String, Map<String, Double>> bySlo = report.details().bySlo();
        table.format("%-18s%8s", "accuracy, percent", "mean");
        bySlo.keySet().forEach(slo -> table.format("%12s", slo));
        report.accuracy().forEach((policy, mean) -> {
            table.format("%n%-18s%8.1f", policy, mean);
            bySlo.values().forEach(row -> table.format("%12.1f", row.get(policy)));
        });
        table.format("%n%d questions a task; standard error of elms %.1f%n", report.details().questions(), report.details().stderr());
        report.details().elmsMinus().forEach((policy, difference) -> table.format("elms - %-18s%8.1f ± %.1f%n", policy,
                difference.mean(), difference.stderr()));
    }
}
