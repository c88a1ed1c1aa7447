package elms.server.http;

import elms.kernels.Kernels;
import elms.kernels.jdk.Provider;
import elms.kernels.jdk.ProviderUnavailableException;
import elms.planner.PlanForm;
import elms.server.BaseModel;
import elms.server.Machine;
import elms.server.ModelLoader;
import elms.server.Profiles;
import elms.server.store.ModelStore;
import elms.server.store.StoredModel;
import elms.engine.ElasticModel;
import elms.service.ElmsService;
import elms.service.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.util.Optional;

/** A server with the real weights, where {@code elms.smollm2} names them. */
final class SmolLm2Server {
    private SmolLm2Server() {}

    /**
     * Starts a server and waits for its model.
     *
     * @param home for what is derived from the weights
     */
    static Optional<HttpServer> startIfThere(Path home) {
        String file = System.getProperty("elms.smollm2", "");
        if (file.isEmpty()) {
            return Optional.empty();
        }
        HttpServer server = HttpServer.start(ServerSettings.local(), "smollm2", meters -> load(new ModelStore(home).find(file)
                .orElseThrow(), meters));
        server.loaded();
        return Optional.of(server);
    }

    private static LoadedModel load(StoredModel stored, MeterRegistry meters) {
        Kernels kernels = kernels();
        try (BaseModel base = BaseModel.open(stored)) {
            ModelLoader.Prepared prepared = new ModelLoader(kernels, (step, share) -> {}).load(base);
            ElasticModel model = prepared.model();
            ElmsService service = ElmsService.open(model, kernels, new Profiles(stored, model, kernels).get(share -> {}),
                    Settings.usual().withMeters(meters).withPlanner(prepared.reader(), PlanForm.ELMS));
            service.warmUp();
            return new LoadedModel(service, ModelFacts.of(stored), kernels::close);
        }
    }

    private static Kernels kernels() {
        try {
            return Provider.NATIVE.start(Machine.cores());
        } catch (ProviderUnavailableException e) {
            return vector(e);
        }
    }

    private static Kernels vector(ProviderUnavailableException reason) {
        try {
            return Provider.VECTOR.start(Machine.cores());
        } catch (ProviderUnavailableException e) {
            e.addSuppressed(reason);
            throw new IllegalStateException(e);
        }
    }
}
