package elms.server.cli;

import elms.engine.ElmsException;
import elms.engine.model.Pack;
import elms.kernels.Kernels;
import elms.server.BaseModel;
import elms.server.Packs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "elasticize", mixinStandardHelpOptions = true,
        description = "Makes a model's pack: the order of its units by importance, its anchor layers, its levels.")
final class ElasticizeCommand implements Callable<Integer> {
    @Mixin
    private ModelOptions options;

    @Option(names = {"-o", "--output"}, paramLabel = "PACK", description = "Where to write it (default: where elms run looks for it).")
    private Path output;

    @Option(names = "--calibration", paramLabel = "FILE", arity = "1..*",
            description = "UTF-8 texts to measure activations on, documents parted by two empty lines (default: passages of books).")
    private List<Path> calibration = List.of();

    @Override
    public Integer call() {
        try (Screen screen = new Screen(); BaseModel base = BaseModel.open(options.stored(screen));
                Kernels kernels = options.kernels(screen)) {
            Pack pack = new Packs(base).make(calibration, kernels, screen.steps());
            screen.close();
            Path target = output == null ? Packs.ownPath(base.stored()) : output;
            pack.write(target);
            System.out.println(target);
            return 0;
        } catch (IOException e) {
            throw new ElmsException("the pack cannot be written: " + e.getMessage(), e);
        }
    }
}
