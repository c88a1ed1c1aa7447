package elms.server.cli;

import elms.engine.ElasticModel;
import elms.engine.model.SubModel;
import elms.planner.LatencyModel;
import elms.planner.RequestOverhead;
import elms.server.Profiles;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "profile", mixinStandardHelpOptions = true,
        description = "Measures this machine anew and shows what it predicts: 95th percentiles, in milliseconds.")
final class ProfileCommand implements Callable<Integer> {
    private static final int[] PROMPTS = {32, 128, 512, 2048};
    private static final int[] CONTEXTS = {32, 512, 2048};

    @Mixin
    private ModelOptions options;

    @Override
    public Integer call() {
        try (Screen screen = new Screen()) {
            show(screen);
        }
        return 0;
    }

    private void show(Screen screen) {
        try (ModelOptions.Started started = options.start(screen)) {
            ElasticModel model = started.model();
            LatencyModel latency = new Profiles(started.stored(), model, started.kernels()).measure(screen.step("Measuring this machine"));
            screen.close();
            System.out.println("         TTFT of a prompt of ... tokens        TPOT after ... tokens");
            System.out.println("  level       32      128      512     2048        32      512     2048");
            for (SubModel level : model.levels()) {
                StringBuilder row = new StringBuilder(String.format(Locale.ROOT, "%7.3f", level.share()));
                for (int prompt : PROMPTS) {
                    row.append(String.format(Locale.ROOT, " %8.1f", latency.prefillMillis(level, prompt)));
                }
                row.append(' ');
                for (int context : CONTEXTS) {
                    row.append(String.format(Locale.ROOT, " %8.2f", latency.decodeMillis(level, context)));
                }
                System.out.println(row);
            }
            RequestOverhead overhead = latency.overhead();
            System.out.printf(Locale.ROOT, "%nA request to the idle service: TTFT + %.1f ms, TPOT times %.2f%n", overhead.ttftMillis(),
                    overhead.tpotFactor());
        }
    }
}
