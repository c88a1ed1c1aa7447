package elms.server.cli;

import elms.engine.ElasticModel;
import elms.kernels.Kernels;
import elms.kernels.jdk.Provider;
import elms.server.ModelLoader;
import elms.server.store.DataFolder;
import elms.server.store.ModelStore;
import elms.server.store.StoredModel;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Which model, on which kernels: the same for every command that computes. */
final class ModelOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "MODEL",
            description = "A name from the catalogue (smollm2), a .gguf file, or OWNER/REPOSITORY/FILE.gguf on the Hugging Face Hub.")
    private String model;

    @Option(names = "--provider", paramLabel = "NAME", defaultValue = "vector",
            description = "Kernels to compute with: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private Provider provider;

    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--threads", paramLabel = "N", description = "Threads to compute on (default: one a processor).")
    void threads(int count) {
        if (count < 1 || count > 1024) {
            throw new ParameterException(spec.commandLine(), "--threads is " + count + ", but must be between 1 and 1024");
        }
        threads = count;
    }

    static ModelStore store() {
        return new ModelStore(DataFolder.find());
    }

    /** The model file, fetched if need be. */
    StoredModel stored(Screen screen) {
        StoredModel stored = store().get(model, screen.bytes(model));
        screen.close();
        return stored;
    }

    /** Starts the kernels and says which ones. */
    Kernels kernels(Screen screen) {
        provider.obstacle().ifPresent(obstacle -> {
            throw new ParameterException(spec.commandLine(), "the " + provider + " kernels cannot run here, since " + obstacle);
        });
        provider.warmUpInBackground();
        Kernels kernels = provider.start(threads);
        screen.line("elms: kernels: " + kernels.description());
        return kernels;
    }

    /** The model, prepared if need be. */
    ElasticModel load(StoredModel stored, Kernels kernels, Screen screen) {
        ElasticModel loaded = new ModelLoader(kernels, screen.steps()).load(stored);
        screen.close();
        return loaded;
    }
}
