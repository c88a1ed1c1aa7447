package elms.server.cli;

import elms.engine.ElasticModel;
import elms.eval.Bench;
import elms.eval.Bench.LevelSpeed;
import elms.eval.Bench.Report;
import elms.kernels.Kernels;
import elms.server.store.StoredModel;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "bench", mixinStandardHelpOptions = true,
        description = "Measures every level: prefill of 512 tokens, decode behind them, switching.")
final class BenchCommand implements Callable<Integer> {
    @Mixin
    private ModelOptions options;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    @Override
    public Integer call() {
        try (Screen screen = new Screen()) {
            Report report = measure(options.stored(screen), screen);
            System.out.println(json ? Json.of(report) : table(report));
            return 0;
        }
    }

    private Report measure(StoredModel stored, Screen screen) {
        try (Kernels kernels = options.kernels(screen)) {
            ElasticModel model = options.load(stored, kernels, screen);
            Report report = new Bench(model, kernels).run(screen.step("Measuring"));
            screen.close();
            return report;
        }
    }

    private static String table(Report report) {
        StringBuilder table = new StringBuilder("  level   prefill tok/s   decode tok/s\n");
        for (LevelSpeed speed : report.levels()) {
            table.append(String.format(Locale.ROOT, "%7.3f %15.1f %14.1f%n", speed.level(), speed.prefillTokS(), speed.decodeTokS()));
        }
        return table.append(String.format(Locale.ROOT, "a switch costs %.1f µs", report.switchUs())).toString();
    }
}
