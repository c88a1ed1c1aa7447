package elms.server.cli;

import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.eval.BenchProgram;
import elms.kernels.Kernels;
import elms.kernels.jdk.Provider;
import elms.kernels.jdk.ProviderUnavailableException;
import elms.planner.compact.PromptReader;
import elms.server.BaseModel;
import elms.server.CompilerThreads;
import elms.server.Machine;
import elms.server.ModelLoader;
import elms.server.store.DataFolder;
import elms.server.store.ModelStore;
import elms.server.store.StoredModel;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** On which kernels: the same for every command that computes. */
class KernelOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--provider", paramLabel = "NAME",
            description = "Kernels to compute with: ${COMPLETION-CANDIDATES} (default: native where it runs, else vector).")
    private Provider provider;

    private int threads;

    @Option(names = "--threads", paramLabel = "N", description = "Threads to compute on (default: one a core).")
    void threads(int count) {
        if (count < 1 || count > 1024) {
            throw new ParameterException(spec.commandLine(), "--threads is " + count + ", but must be between 1 and 1024");
        }
        threads = count;
    }

    int threads() {
        return threads == 0 ? Machine.cores() : threads;
    }

    static ModelStore store() {
        return new ModelStore(DataFolder.find());
    }

    /** A model file, fetched if need be. */
    static StoredModel stored(String model, Screen screen) {
        StoredModel stored = store().get(model, screen.bytes(model));
        screen.close();
        return stored;
    }

    /** Starts the kernels and says which ones, and why not faster ones. */
    Kernels kernels(Screen screen) {
        Kernels kernels = provider == null ? fastest(screen) : start(provider);
        screen.line("elms: kernels: " + kernels.description());
        return kernels;
    }

    private Kernels fastest(Screen screen) {
        try {
            return started(Provider.NATIVE);
        } catch (ProviderUnavailableException e) {
            screen.line("elms: " + e.getMessage() + "; the slower vector kernels will do");
            return start(Provider.VECTOR);
        }
    }

    private Kernels start(Provider chosen) {
        try {
            return started(chosen);
        } catch (ProviderUnavailableException e) {
            throw new ElmsException(e.getMessage(), e);
        }
    }

    private Kernels started(Provider chosen) throws ProviderUnavailableException {
        Kernels kernels = chosen.start(threads());
        if (chosen == Provider.NATIVE) {
            CompilerThreads.giveWay();
        }
        return kernels;
    }

    /**
     * {@code elms bench-file} on the same kernels, in a process like this one.
     *
     * @param environment variables that it gets besides this process's own
     */
    BenchProgram benchFile(Map<String, String> environment) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName(), "bench-file"));
        if (provider != null) {
            command.addAll(List.of("--provider", provider.name()));
        }
        return new BenchProgram(command, environment);
    }

    /**
     * A model, and the kernels that it runs on.
     *
     * @param key hashes of the model file and of its pack
     */
    record Started(StoredModel stored, Kernels kernels, ElasticModel model, Optional<PromptReader> reader, String key)
            implements AutoCloseable {
        @Override
        public void close() {
            kernels.close();
        }
    }

    /** Starts the kernels while the model file is read, and prepares the model if need be. */
    Started start(String model, Screen screen) {
        StoredModel stored = stored(model, screen);
        CompletableFuture<BaseModel> reading = CompletableFuture.supplyAsync(() -> BaseModel.open(stored), Thread.ofPlatform()::start);
        Kernels kernels = kernels(screen);
        try (BaseModel base = reading.join()) {
            ModelLoader.Prepared prepared = new ModelLoader(kernels, screen.steps()).load(base);
            screen.close();
            return new Started(stored, kernels, prepared.model(), prepared.reader(), prepared.key());
        } catch (CompletionException e) {
            throw e.getCause() instanceof ElmsException sentence ? sentence : e;
        }
    }
}
