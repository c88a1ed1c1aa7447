package elms.server.cli;

import elms.elastic.planner.Ablations;
import elms.engine.ElmsException;
import elms.eval.AnswerStore;
import elms.eval.planner.AblationQuality;
import elms.eval.planner.AblationReport;
import elms.kernels.Kernels;
import elms.planner.LatencyModel;
import elms.planner.compact.PromptReader;
import elms.server.Answers;
import elms.server.CompactReader;
import elms.server.Profiles;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Formatter;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "ablations", mixinStandardHelpOptions = true,
        description = "Compares a planner with those that elms ablate trained otherwise.")
final class AblationsEvalCommand implements Callable<Integer> {
    @Mixin
    private ModelOptions options;

    @Parameters(index = "1", paramLabel = "DIR", description = "What elms ablate made.")
    private Path ablations;

    @Option(names = "--data", paramLabel = "DIR", defaultValue = "../shared/data",
            description = "Folder with qa/*.jsonl (default: ${DEFAULT-VALUE}).")
    private Path data;

    @Option(names = "--limit", paramLabel = "N", defaultValue = "20",
            description = "Questions of each task, in a seeded order (default: ${DEFAULT-VALUE}).")
    private int limit;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    @Override
    public Integer call() {
        try (Screen screen = new Screen(); KernelOptions.Started started = options.start(screen);
                AnswerStore known = Answers.of(started.stored(), started.key(), started.kernels(),
                        warning -> screen.line("elms: " + warning))) {
            PromptReader reader = started.reader().orElseThrow(() -> new ElmsException("the pack of " + options.model()
                    + " has no planner to compare others with"));
            LatencyModel latency = new Profiles(started.stored(), started.model(), started.kernels())
                    .get(screen.step("Measuring this machine"));
            AblationQuality quality = new AblationQuality(started.model(), started.kernels(), latency, reader, known,
                    screen.step("Measuring plans"));
            AblationReport report = quality.measure(readers(Ablations.DECISIONS, started.kernels()),
                    readers(Ablations.SCORES, started.kernels()), data, limit);
            screen.close();
            System.out.print(json ? Json.of(report) + "\n" : table(report));
        } catch (IOException e) {
            throw new ElmsException("what was trained cannot be read from " + ablations + ": " + e.getMessage(), e);
        }
        return 0;
    }

    /** Compact language models by the names of their files. */
    private Map<String, PromptReader> readers(String kind, Kernels kernels) throws IOException {
        Map<String, PromptReader> readers = new TreeMap<>();
        Path folder = ablations.resolve(kind);
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + Ablations.FILE_END)) {
                for (Path file : files) {
                    String name = file.getFileName().toString().replace(Ablations.FILE_END, "");
                    CompactReader.of(file, kernels).ifPresent(reader -> readers.put(name, reader));
                }
            }
        }
        return readers;
    }

    private static String table(AblationReport report) {
        Formatter table = new Formatter(Locale.ROOT);
        table.format("%d questions a task: percent right; how much less than trained again%n", report.questions());
        report.decided().forEach((head, decided) -> {
            table.format("%-24s", head);
            decided.accuracy().forEach((task, percent) -> table.format("%12s %.1f; %.1f ± %.1f", task, percent,
                    decided.againMinus().get(task).mean(), decided.againMinus().get(task).stderr()));
            table.format("%n");
        });
        PlannerEvalCommand.compression(report.compression(), table);
        return table.toString();
    }
}
