package elms.server.cli;

import elms.engine.ElmsException;
import elms.eval.HeldOut;
import elms.eval.LanguageQuality;
import elms.eval.LanguageQuality.Report;
import elms.eval.PairedDifference;
import elms.eval.SpanQuality;
import elms.eval.baseline.Baselines;
import elms.eval.baseline.LayerChoice;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.DoubleConsumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures of quality, one a sub-command. */
@Command(name = "eval", mixinStandardHelpOptions = true, synopsisSubcommandLabel = "SUITE", description = "Measures quality.",
        subcommands = {EvalCommand.Language.class, EvalCommand.Spans.class, PlannerEvalCommand.class,
            AblationsEvalCommand.class, ServiceEvalCommand.class, SoakCommand.class})
final class EvalCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "which suite? There are 'language', 'spans', 'planner',"
                + " 'ablations', 'service' and 'soak'");
    }

    /** What every suite is asked. */
    private abstract static class Suite<R> implements Callable<Integer> {
        private static final List<String> TASKS = List.of("arc_easy.test", "piqa.validation", "sciq.test", "openbookqa.test");

        @Mixin
        private ModelOptions options;

        @Option(names = "--data", paramLabel = "DIR", defaultValue = "../shared/data",
                description = "Folder with text/wikitext2.test.txt, text/books.jsonl and qa/*.jsonl (default: ${DEFAULT-VALUE}).")
        private Path data;

        @Option(names = "--tasks", paramLabel = "FILE", arity = "1..*",
                description = "JSON lines with question, choices and answer, instead of the four tasks of the data folder.")
        private List<Path> tasks = List.of();

        @Option(names = "--limit", paramLabel = "N", defaultValue = "1000000",
                description = "Only the first rows of each task, and as many prompts of each source.")
        private long limit;

        @Option(names = "--json", description = "Print one JSON document.")
        private boolean json;

        @Override
        public Integer call() {
            List<Path> files = tasks.isEmpty() ? TASKS.stream().map(task -> data.resolve("qa/" + task + ".jsonl")).toList() : tasks;
            files.stream().filter(file -> !Files.isReadable(file)).findFirst().ifPresent(file -> {
                throw new ElmsException("there is no task " + file + "; give --data the folder of the tasks, or --tasks their files");
            });
            try (Screen screen = new Screen(); ModelOptions.Started started = options.start(screen)) {
                R report = measure(started, data, files, limit, screen.step("Measuring quality"));
                screen.close();
                System.out.print(json ? Json.of(report) + "\n" : table(report));
            }
            return 0;
        }

        abstract R measure(ModelOptions.Started started, Path data, List<Path> files, long limit, DoubleConsumer progress);

        abstract String table(R report);
    }

    @Command(name = "language", mixinStandardHelpOptions = true,
            description = "Measures each level's divergence from the full model, perplexity, zero-shot accuracy and answers.")
    static final class Language extends Suite<Report> {
        @Option(names = "--baselines",
                description = "Also measure the full model without some of its layers, chosen in three ways.")
        private boolean baselines;

        @Option(names = "--windows", paramLabel = "N", defaultValue = "1000000",
                description = "Only the first windows of 512 tokens of each held-out text.")
        private long windows;

        @Override
        Report measure(ModelOptions.Started started, Path data, List<Path> files, long limit, DoubleConsumer progress) {
            HeldOut heldOut = HeldOut.read(data, started.model().tokenizer(), windows);
            List<LayerChoice> others = baselines ? Baselines.of(started.model(), started.kernels()) : List.of();
            return new LanguageQuality(started.model(), started.kernels(), progress).measure(heldOut, files, data, limit, others);
        }

        @Override
        String table(Report report) {
            return LanguageTable.of(report);
        }
    }

    @Command(name = "spans", mixinStandardHelpOptions = true,
            description = "Measures accuracy and TTFT when parts of a five-shot prompt are read at different levels.")
    static final class Spans extends Suite<SpanQuality.Report> {
        @Override
        SpanQuality.Report measure(ModelOptions.Started started, Path data, List<Path> files, long limit, DoubleConsumer progress) {
            return new SpanQuality(started.model(), started.kernels(), progress).measure(files, limit);
        }

        @Override
        String table(SpanQuality.Report report) {
            StringBuilder table = new StringBuilder(String.format("%-56s%10s%10s%16s%20s%9s%n", "who reads and answers",
                    "accuracy", "by length", "difference", "from its rival", "TTFT ms"));
            for (SpanQuality.PlanQuality plan : report.plans()) {
                table.append(String.format("%-56s%10s%10s%16s%20s%9s%n", plan.plan(), percent(plan.acc()),
                        percent(plan.accNorm()), points(plan.difference()), points(plan.differenceFromIt()), number("%.1f", plan.ttftMs())));
            }
            return table.toString();
        }

        private static String points(PairedDifference difference) {
            return percent(difference.mean()) + " ± " + percent(difference.stderr());
        }
    }

    static String percent(double share) {
        return number("%.1f", 100 * share);
    }

    static String number(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }
}
