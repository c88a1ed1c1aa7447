package elms.server.cli;

import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.eval.Growth;
import elms.eval.Growth.Engine;
import elms.eval.Growth.Point;
import elms.eval.Growth.Ratio;
import elms.eval.Growth.Times;
import elms.eval.GrowthPlot;
import elms.eval.Peer;
import elms.server.FormatFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "growth", mixinStandardHelpOptions = true,
        description = "Measures how the time of a prompt and of a token grow from 64 tokens of context to 8,192.")
final class GrowthCommand implements Callable<Integer> {
    @Mixin
    private ModelOptions options;

    @Option(names = "--against", paramLabel = "DIR",
            description = "Folder with llama.cpp's bench and quantize, to measure in turn.")
    private Path against;

    @Option(names = {"-o", "--output"}, paramLabel = "FILE.png", description = "Where to draw a plot.")
    private Path output;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    @Override
    public Integer call() {
        Optional<Peer> peer = Optional.ofNullable(against).map(Peer::bench);
        try (Screen screen = new Screen(); FormatFolder folder = new FormatFolder()) {
            ElasticModel model = prepare(screen);
            Path file = options.stored(screen).file();
            Growth growth = new Growth(new Engine(options.benchFile(Map.of()), options.model()), peer.map(programs ->
                    new Engine(programs.program(), programs.inFastestFormat(file, folder.root()).toString())), options.threads());
            Growth.Report report = growth.run(model.name(), model.config().context(), screen.step("Measuring"));
            screen.close();
            System.out.print(json ? Json.of(report) + "\n" : table(report));
            if (output != null) {
                GrowthPlot.write(report, output);
            }
            return 0;
        } catch (IOException e) {
            throw new ElmsException(output + " cannot be written: " + e.getMessage(), e);
        }
    }

    /** Prepares the model for the processes that measure it. */
    private ElasticModel prepare(Screen screen) {
        try (ModelOptions.Started started = options.start(screen)) {
            return started.model();
        }
    }

    private static String table(Growth.Report report) {
        boolean peer = report.points().getFirst().peer().isPresent();
        StringBuilder table = new StringBuilder("milliseconds        prompt   a token behind it\n tokens               Elms                Elms\n");
        if (peer) {
            table = new StringBuilder("milliseconds       the prompt                 a token behind it\n"
                    + " tokens       Elms  llama.cpp  ratio        Elms  llama.cpp  ratio\n");
        }
        for (Point point : report.points()) {
            table.append(peer ? pair(point) : alone(point));
        }
        return table.toString();
    }

    private static String alone(Point point) {
        return String.format(Locale.ROOT, "%7d %18.1f %19.2f%n", point.tokens(), point.elms().prefillMs(), point.elms().decodeMs());
    }

    private static String pair(Point point) {
        Times peer = point.peer().orElseThrow();
        Ratio ratio = point.ratio().orElseThrow();
        return String.format(Locale.ROOT, "%7d %10.1f %10.1f %6.2f  %10.2f %10.2f %6.2f%n", point.tokens(), point.elms().prefillMs(),
                peer.prefillMs(), ratio.prefill(), point.elms().decodeMs(), peer.decodeMs(), ratio.decode());
    }
}
