package elms.server.cli;

import elms.eval.Peer;
import elms.eval.PeerServer;
import elms.eval.ServiceLoad;
import elms.planner.LatencyModel;
import elms.server.FormatFolder;
import elms.server.Profiles;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "service", mixinStandardHelpOptions = true,
        description = "Measures goodput and accuracy of six apps under load, beside other ways to serve them.")
final class ServiceEvalCommand implements Callable<Integer> {
    @Mixin
    private ModelOptions options;

    @Option(names = "--data", paramLabel = "DIR", defaultValue = "../shared/data",
            description = "Folder with qa/*.jsonl and traces/*.csv (default: ${DEFAULT-VALUE}).")
    private Path data;

    @Option(names = "--against", paramLabel = "DIR",
            description = "Folder with llama.cpp's llama-server and quantize, to which the same requests go at Q4_0.")
    private Path against;

    @Option(names = "--loads", paramLabel = "X", split = ",", defaultValue = "0.3,0.6,0.9,1.2,2.0",
            description = "Shares of what the full model can serve (default: ${DEFAULT-VALUE}).")
    private List<Double> loads;

    @Option(names = "--seconds", paramLabel = "S", defaultValue = "20",
            description = "How long requests come, for each load and policy (default: ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
            description = "Seed of the arrivals (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    @Override
    public Integer call() {
        Optional<Peer> peer = Optional.ofNullable(against).map(Peer::server);
        try (Screen screen = new Screen(); FormatFolder folder = new FormatFolder();
                ModelOptions.Started started = options.start(screen)) {
            Optional<PeerServer> server = peer.map(programs -> programs
                    .serving(programs.inFastestFormat(started.stored().file(), folder.root()), started.kernels().threads()));
            LatencyModel latency = new Profiles(started.stored(), started.model(), started.kernels())
                    .get(screen.step("Measuring this machine"));
            ServiceLoad.Report report = new ServiceLoad(started.model(), started.kernels(), latency, started.reader(), server, data,
                    screen.step("Serving under load")).measure(loads, seconds, seed);
            screen.close();
            System.out.print(json ? Json.of(report) + "\n" : table(report));
        }
        return 0;
    }

    private static String table(ServiceLoad.Report report) {
        StringBuilder table = new StringBuilder();
        row(table, "load 1 is %.2f requests a second; at the machine's floor: %s%n", report.capacity(),
                String.join(", ", report.atFloor()));
        row(table, "%6s %-20s%9s%8s%8s%10s%8s%13s%11s%n", "load", "policy", "goodput", "TTFT", "TPOT", "accuracy", "useful",
                "above floor", "worst app");
        for (ServiceLoad.Load load : report.loads()) {
            load.policies().forEach((name, quality) -> row(table, "%6.1f %-20s%9.1f%8.1f%8.1f%10.1f%8.1f%13.1f%11.1f%n",
                    load.load(), name, 100 * quality.goodput(), 100 * quality.ttftMet(), 100 * quality.tpotMet(),
                    100 * quality.accuracy(), 100 * quality.useful(), 100 * quality.goodputAboveFloor(),
                    100 * quality.worstAppGoodput()));
        }
        return table.toString();
    }

    private static void row(StringBuilder table, String format, Object... values) {
        table.append(String.format(Locale.ROOT, format, values));
    }
}
