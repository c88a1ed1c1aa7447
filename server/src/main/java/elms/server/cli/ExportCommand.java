package elms.server.cli;

import elms.elastic.GgufExport;
import elms.elastic.RecoveredExport;
import elms.engine.ElmsException;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Pack;
import elms.server.BaseModel;
import elms.server.Packs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "export", mixinStandardHelpOptions = true,
        description = "Writes a level as an ordinary GGUF file that llama.cpp runs, with zeros for what the level leaves out.")
final class ExportCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", description = "A name from the catalogue or the store, or a .gguf file.")
    private String model;

    @Option(names = "--level", paramLabel = "L", defaultValue = "1",
            description = "Share of the model (default: ${DEFAULT-VALUE}).")
    private double share;

    @Option(names = {"-o", "--output"}, paramLabel = "FILE.gguf", required = true, description = "Where to write it.")
    private Path output;

    @Override
    public Integer call() throws IOException {
        if (!(share > 0 && share <= 1)) {
            throw new ParameterException(spec.commandLine(), "--level is " + share + ", but must be above 0 and at most 1");
        }
        try (Screen screen = new Screen(); BaseModel base = BaseModel.open(ModelOptions.stored(model, screen))) {
            Pack pack = new Packs(base).find().orElseThrow(() -> new ElmsException(
                    model + " has no pack yet; run elms elasticize " + model + " first"));
            ModelConfig config = base.config();
            Level level = Stream.concat(Stream.of(Level.full(config)), pack.levels().stream())
                    .min(Comparator.comparingDouble(candidate -> Math.abs(candidate.share(config) - share))).orElseThrow();
            if (level.tuning().isPresent() && pack.adapters().isPresent()) {
                new RecoveredExport(base.file(), config, pack.order(), pack.adapters().get(), level).write(output);
            } else {
                new GgufExport(base.file(), config, pack.order(), level).write(output);
            }
            System.out.printf(Locale.ROOT, "%s, level %.3f%n", output, level.share(config));
            return 0;
        } catch (IOException e) {
            throw new ElmsException(output + " cannot be written: " + e.getMessage(), e);
        }
    }
}
