package elms.server.cli;

import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Pack;
import elms.server.BaseModel;
import elms.server.Packs;
import elms.server.store.StoredModel;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "show", mixinStandardHelpOptions = true, description = "Shows a model's shape and its levels.")
final class ShowCommand implements Callable<Integer> {
    @Parameters(paramLabel = "MODEL", description = "A name from the catalogue or the store, or a .gguf file.")
    private String model;

    @Override
    public Integer call() throws IOException {
        try (Screen screen = new Screen()) {
            StoredModel stored = ModelOptions.stored(model, screen);
            try (BaseModel base = BaseModel.open(stored)) {
                show(base);
            }
            return 0;
        }
    }

    private static void show(BaseModel base) throws IOException {
        ModelConfig config = base.config();
        row("file", base.stored().file());
        row("SHA-256", base.stored().sha256());
        row("layers", config.layers());
        row("width", config.width());
        row("heads", config.heads() + " of " + config.headDim() + " dimensions, reading " + config.kvHeads() + " key/value heads");
        row("neurons", config.neurons());
        row("vocabulary", config.vocabulary());
        row("context", config.context());
        row("decoder weights", config.decoderWeights());
        row("output head", config.outputWeights() + (config.tiedOutput() ? ", shared with the embedding" : ""));
        Optional<Pack> pack = new Packs(base).find();
        row("pack", pack.map(Pack::provenance).orElse("none yet; the first run makes one"));
        pack.ifPresent(known -> {
            System.out.printf("%n%8s %18s %8s%n", "level", "of a decode step", "heads");
            show(config, Level.full(config), known);
            known.levels().forEach(level -> show(config, level, known));
        });
    }

    private static void show(ModelConfig config, Level level, Pack pack) {
        int heads = Arrays.stream(level.heads()).sum();
        System.out.printf(Locale.ROOT, "%8.3f %18.3f %8d%n", level.share(config),
                level.decodeShare(config, pack.directions().length), heads);
    }

    private static void row(String name, Object value) {
        System.out.printf("%-16s %s%n", name, value);
    }
}
