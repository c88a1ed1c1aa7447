package elms.server.cli;

import elms.eval.Bench;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(name = "bench-file", hidden = true, mixinStandardHelpOptions = true,
        description = "Measures the full model once, in the form of elms.eval.BenchProgram: what elms bench starts.")
final class BenchFileCommand implements Callable<Integer> {
    @Mixin
    private ModelOptions options;

    @Parameters(index = "2", paramLabel = "PREFILL", description = "Tokens of the prompt.")
    private int prefill;

    @Parameters(index = "3", paramLabel = "DECODE", description = "Tokens decoded behind it.")
    private int decode;

    @Parameters(index = "4", paramLabel = "REPEATS", description = "Measurements.")
    private int repeats;

    @Parameters(index = "1", paramLabel = "THREADS", description = "Threads to compute on.")
    void threads(int count) {
        options.threads(count);
    }

    @Override
    public Integer call() {
        try (Screen screen = new Screen(); ModelOptions.Started started = options.start(screen)) {
            Bench bench = new Bench(started.model(), started.kernels());
            System.out.println(Json.of(bench.time(prefill, decode, repeats)));
            return 0;
        }
    }
}
