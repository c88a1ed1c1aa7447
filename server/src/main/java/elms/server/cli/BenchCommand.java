package elms.server.cli;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import elms.eval.BatchSteps;
import elms.eval.Bench;
import elms.eval.Bench.LevelSpeed;
import elms.eval.Comparison;
import elms.eval.Comparison.EngineSpeed;
import elms.eval.Peer;
import elms.server.FormatFolder;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(name = "bench", mixinStandardHelpOptions = true,
        description = "Measures every level: prefill of 512 tokens, decode behind them and from an empty context, "
                + "steps of several streams, switching.")
final class BenchCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions options;

    @Option(names = "--against", paramLabel = "DIR",
            description = "Folder with llama.cpp's bench and quantize: measures both engines in turn at Q4_0, Q4_1 and Q8_0.")
    private Path against;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "5",
            description = "Rounds to take medians of (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    /** What is printed; without a peer, {@code comparison} is null and adds nothing. */
    private record Document(@JsonUnwrapped Bench.Report report, @JsonUnwrapped Comparison.Report comparison) {}

    @Override
    public Integer call() {
        if (rounds < 1) {
            throw new ParameterException(spec.commandLine(), "--rounds is " + rounds + ", but must be at least 1");
        }
        Peer peer = against == null ? null : Peer.bench(against);
        try (Screen screen = new Screen()) {
            Document document = measure(peer, screen);
            screen.close();
            System.out.print(json ? Json.of(document) + "\n" : table(document));
            return 0;
        }
    }

    private Document measure(Peer peer, Screen screen) {
        try (ModelOptions.Started started = options.start(screen)) {
            Bench bench = new Bench(started.model(), started.kernels());
            if (peer == null) {
                return new Document(bench.run(rounds, screen.step("Measuring"), () -> {}), null);
            }
            try (FormatFolder folder = new FormatFolder()) {
                Comparison comparison = new Comparison(
                        folder.fill(started.stored(), peer, format -> screen.steps().at("Making " + format, 0)),
                        options.benchFile(Map.of("ELMS_HOME", folder.root().toString())), peer.program(), options.threads());
                Bench.Report report = bench.run(rounds, screen.step("Measuring"), comparison::round);
                return new Document(report, comparison.report(report.levels().getFirst()));
            }
        }
    }

    private static String table(Document document) {
        StringBuilder table = new StringBuilder("tokens a second\n  level      prefill       decode   decode, empty context\n");
        for (LevelSpeed speed : document.report.levels()) {
            row(table, "%7.3f %12.1f %12.1f %12.1f%n", speed.level(), speed.prefillTokS(), speed.decodeTokS(), speed.decodeEmptyTokS());
        }
        table.append("\nmilliseconds to give each of n streams its next token\n")
                .append("  level        1        2        4        8   8 in turn\n");
        for (BatchSteps.Step step : document.report.batches()) {
            row(table, "%7.3f %8.2f %8.2f %8.2f %8.2f %11.2f%n", step.level(), step.one(), step.two(), step.four(), step.eight(),
                    step.eightInTurn());
        }
        row(table, "\na switch costs %.1f µs%n", document.report.switchUs());
        if (document.comparison != null) {
            compare(table, document.comparison);
        }
        return table.toString();
    }

    private static void compare(StringBuilder table, Comparison.Report comparison) {
        table.append("\n                       prefill       decode   decode, empty   peak MB   at start\n");
        for (Comparison.FormatSpeed format : comparison.formats()) {
            engine(table, format.format() + " Elms", format.elms());
            engine(table, format.format() + " llama.cpp", format.peer());
        }
        row(table, "full level over llama.cpp's best: prefill %.2f, decode %.2f, decode from an empty context %.2f%n",
                comparison.ratio().prefill(), comparison.ratio().decode(), comparison.ratio().decodeEmpty());
    }

    private static void engine(StringBuilder table, String name, EngineSpeed speed) {
        row(table, "%-17s %12.1f %12.1f %15.1f %9s %10s%n", name, speed.prefillTokS(), speed.decodeTokS(), speed.decodeEmptyTokS(),
                megabytes(speed.peakRssMb()), megabytes(speed.startRssMb()));
    }

    private static String megabytes(OptionalDouble number) {
        return number.isPresent() ? String.format(Locale.ROOT, "%.0f", number.getAsDouble()) : "–";
    }

    private static void row(StringBuilder table, String format, Object... values) {
        table.append(String.format(Locale.ROOT, format, values));
    }
}
