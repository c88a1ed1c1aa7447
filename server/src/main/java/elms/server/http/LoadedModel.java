package elms.server.http;

import elms.server.grammar.TokenBytes;
import elms.service.AppProfile;
import elms.service.Binding;
import elms.service.ElmsService;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** A model that is in memory, with the service that runs on it. */
public final class LoadedModel implements AutoCloseable {
    private final ElmsService service;
    private final ModelFacts facts;
    private final Runnable release;
    private final Map<String, Binding> bindings = new HashMap<>();
    private Optional<TokenBytes> tokens = Optional.empty();

    /**
     * @param release gives back what the service runs on, after it is closed
     */
    public LoadedModel(ElmsService service, ModelFacts facts, Runnable release) {
        this.service = service;
        this.facts = facts;
        this.release = release;
    }

    ElmsService service() {
        return service;
    }

    ModelFacts facts() {
        return facts;
    }

    /** The bytes of its tokens, for answers that are held to a form. */
    synchronized TokenBytes tokens() {
        if (tokens.isEmpty()) {
            tokens = Optional.of(new TokenBytes(service.model().tokenizer()));
        }
        return tokens.get();
    }

    /** The binding of an app with that profile; a changed profile binds again. */
    synchronized Binding binding(AppProfile profile) {
        Binding bound = bindings.get(profile.name());
        if (bound == null || !bound.profile().equals(profile)) {
            bound = service.bind(profile);
            bindings.put(profile.name(), bound);
        }
        return bound;
    }

    synchronized void unbind(String app) {
        Binding bound = bindings.remove(app);
        if (bound != null) {
            bound.close();
        }
    }

    @Override
    public void close() {
        service.close();
        release.run();
    }
}
