package elms.server.cli;

import elms.eval.Bench;
import elms.eval.ProcessMemory;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "bench-file", hidden = true, mixinStandardHelpOptions = true,
        description = "Measures the full model once, in the form of elms.eval.BenchProgram: what elms bench starts.")
final class BenchFileCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions options;

    private int prefill;
    private int decode;
    private int repeats;

    @Parameters(index = "1", paramLabel = "THREADS", description = "Threads to compute on.")
    void threads(int count) {
        options.threads(count);
    }

    @Parameters(index = "2", paramLabel = "PREFILL", description = "Tokens of the prompt.")
    void prefill(int tokens) {
        prefill = atLeastOne("PREFILL", tokens);
    }

    @Parameters(index = "3", paramLabel = "DECODE", description = "Tokens decoded behind it.")
    void decode(int tokens) {
        decode = atLeastOne("DECODE", tokens);
    }

    @Parameters(index = "4", paramLabel = "REPEATS", description = "Measurements.")
    void repeats(int count) {
        repeats = atLeastOne("REPEATS", count);
    }

    private int atLeastOne(String name, int value) {
        if (value < 1) {
            throw new ParameterException(spec.commandLine(), name + " is " + value + ", but must be at least 1");
        }
        return value;
    }

    @Override
    public Integer call() {
        try (Screen screen = new Screen(); ModelOptions.Started started = options.start(screen)) {
            ProcessMemory.giveBack();
            Bench bench = new Bench(started.model(), started.kernels());
            System.out.println(Json.of(bench.time(prefill, decode, repeats)));
            return 0;
        }
    }
}
