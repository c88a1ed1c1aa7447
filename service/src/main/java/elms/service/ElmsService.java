package elms.service;

import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.engine.model.SubModel;
import elms.engine.text.Encoding;
import elms.engine.text.Message;
import elms.engine.text.RenderedChat;
import elms.engine.text.Tokenizer;
import elms.kernels.Kernels;
import elms.planner.LatencyModel;
import elms.planner.Limit;
import elms.planner.Plan;
import elms.planner.Prompt;
import elms.planner.Prompts;
import elms.planner.Slo;
import elms.service.BusyException.Reason;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An LLM service for the apps of one device: they bind, call, and get answers within the latencies that they ask for.
 * Thread-safe. Nothing of it is static: several services run side by side, each with kernels of its own.
 */
public final class ElmsService implements AutoCloseable {
    private static final int WARM_UP_TOKENS = 6;
    private static final int WARM_UP_MILLIS = 1500;
    private static final String WARM_UP = "elms-warm-up";
    private static final String WARM_UP_TEXT = "The planner reads a prompt before the model does, and says what matters.\n\n".repeat(16)
            + "What does it say?";

    private final ElasticModel model;
    private final Engine engine;
    private final Thread thread;
    private final Map<String, App> bindings = new TreeMap<>();
    private boolean closed;

    private ElmsService(ElasticModel model, Kernels kernels, LatencyModel latency, Settings settings) {
        this.model = model;
        engine = new Engine(model, kernels, latency, settings, ElmsService::now);
        thread = new Thread(engine, "elms-engine");
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Starts a service with {@link Settings#usual}.
     *
     * @param kernels used by this service alone until it is closed
     * @param latency what work costs on this device
     */
    public static ElmsService open(ElasticModel model, Kernels kernels, LatencyModel latency) {
        return open(model, kernels, latency, Settings.usual());
    }

    /** Starts a service. */
    public static ElmsService open(ElasticModel model, Kernels kernels, LatencyModel latency, Settings settings) {
        return new ElmsService(model, kernels, latency, settings);
    }

    private static double now() {
        return System.nanoTime() / 1e6;
    }

    public ElasticModel model() {
        return model;
    }

    /**
     * Binds an app, and has the beginning of its prompts read while nothing else is to be done. An app that is bound already gets
     * the new profile; its earlier binding is closed.
     */
    public synchronized Binding bind(AppProfile profile) {
        if (closed) {
            throw new BusyException(Reason.CLOSED, "the service is closed");
        }
        engine.forget(profile.name());
        App app = new App(profile, model.tokenizer().remembering());
        bindings.put(profile.name(), app);
        if (!profile.system().isEmpty()) {
            engine.warm(profile, app.beginning(profile.system()));
        }
        return app;
    }

    /** Apps that are bound, by name. */
    public synchronized List<Binding> bindings() {
        return List.copyOf(bindings.values());
    }

    /**
     * Runs throw-away requests on the largest and the smallest level until they take no longer than predicted, for {@value #WARM_UP_MILLIS}
     * ms at most: the next one finds compiled code, and weights in memory.
     */
    public void warmUp() {
        double end = now() + WARM_UP_MILLIS;
        boolean warm;
        do {
            engine.forgetSpeed();
            warm = keepsItsPromises();
        } while (!warm && now() < end);
        engine.forgetSpeed();
    }

    private boolean keepsItsPromises() {
        Message question = Message.user("Tell me about yourself: who are you, and what can you do?");
        boolean kept = true;
        try (Binding app = bind(AppProfile.of(WARM_UP))) {
            for (SubModel level : List.of(model.full(), model.levels().get(model.levels().size() - 1))) {
                Optional<Pin> pin = Optional.of(Pin.of(level.share()));
                Response response = app.call(Request.of(List.of(question), WARM_UP_TOKENS).withPin(pin), Listener.NONE);
                kept &= response.measured().within(response.plan().predicted());
            }
        }
        return kept;
    }

    /** Plans throw-away requests that do not fit their SLO whole: the more, the faster is the code that plans the next one. */
    public void warmUpPlanner(int times) {
        Slo half = new Slo(Optional.of(new Limit.Ratio(0.5)), Optional.of(new Limit.Ratio(0.9)));
        Request request = Request.of(List.of(Message.user(WARM_UP_TEXT)), WARM_UP_TOKENS).withSlo(half);
        try (Binding app = bind(AppProfile.of(WARM_UP))) {
            for (int i = 0; i < times; i++) {
                app.plan(request);
            }
        }
    }

    /**
     * Ends the service: what has started is finished, what waits is refused. Returns when all is done. The kernels stay the
     * caller's to close.
     */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            bindings.clear();
        }
        engine.close();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * How likely the full model finds each token of a text, exactly: by the whole output head. For measuring models; it is read
     * between other work, without an SLO.
     *
     * @param prompt at least one token
     * @param more tokens to append to it, each the likeliest
     * @param alternatives likeliest tokens to tell at each place
     * @throws ElmsException if the text does not fit the context
     */
    public List<TokenScore> score(int[] prompt, int more, int alternatives) {
        return new Scoring(model, engine).score(prompt, more, alternatives);
    }

    /** Where the first turn behind the system's stands in a prompt. */
    private static int firstTurn(List<Message> messages, Prompt prompt) {
        return messages.stream().filter(message -> !message.role().equals("system")).findFirst()
                .map(message -> prompt.text().indexOf(message.content().strip())).orElse(0);
    }

    private static List<Message> with(List<Message> system, String question) {
        List<Message> messages = new ArrayList<>(system);
        messages.add(Message.user(question));
        return messages;
    }

    private synchronized boolean bound(App app) {
        return bindings.get(app.profile.name()) == app;
    }

    private synchronized void unbind(App app) {
        if (bindings.remove(app.profile.name(), app)) {
            engine.forget(app.profile.name());
        }
    }

    private final class App implements Binding {
        private final AppProfile profile;
        /** Its own: what one app has sent makes no other's prompt faster. */
        private final Tokenizer tokenizer;
        private final AtomicInteger calls = new AtomicInteger();

        App(AppProfile profile, Tokenizer tokenizer) {
            this.profile = profile;
            this.tokenizer = tokenizer;
        }

        @Override
        public AppProfile profile() {
            return profile;
        }

        @Override
        public Response call(Request request, Listener listener) {
            double arrival = now();
            try {
                if (calls.incrementAndGet() > profile.quota()) {
                    throw new BusyException(Reason.QUOTA, profile.name() + " has " + profile.quota()
                            + " requests at work, which is its quota; wait for one of them");
                }
                Call call = call(request.slo().equals(Slo.NONE) ? request.withSlo(profile.slo()) : request, arrival);
                submit(call);
                return call.follow(listener);
            } finally {
                calls.decrementAndGet();
            }
        }

        @Override
        public Plan plan(Request request) {
            return engine.preview(call(request.slo().equals(Slo.NONE) ? request.withSlo(profile.slo()) : request, now()));
        }

        private Call call(Request request, double arrival) {
            request.sampling().offsets().requireWithin(model.config().vocabulary());
            Prompt whole = prompt(request.messages());
            int context = model.config().context();
            int answer = Math.min(request.maxTokens(), context / 2);
            Prompt prompt = whole.tokens() < context || !request.shorten() ? whole
                    : Prompts.shortened(whole, context - answer, firstTurn(request.messages(), whole));
            int room = context - prompt.tokens();
            if (room < 1) {
                throw new ElmsException("the prompt has " + whole.tokens() + " tokens, but the context of " + model.name()
                        + " holds " + context + (request.shorten() ? " and too much of it may not be cut" : "") + "; shorten it");
            }
            return new Call(profile, request, prompt, whole.tokens(), Math.min(request.maxTokens(), room), arrival);
        }

        private Prompt prompt(List<Message> messages) {
            RenderedChat chat = model.template().render(messages);
            return Prompts.of(messages, chat, tokenizer);
        }

        /** Tokens that every prompt with these first messages begins with: what two of them have in common. */
        private int[] beginning(List<Message> system) {
            int[] one = prompt(with(system, "a")).encoding().ids();
            Encoding other = prompt(with(system, "1")).encoding();
            int mismatch = Arrays.mismatch(one, other.ids());
            return Arrays.copyOf(one, mismatch < 0 ? one.length : mismatch);
        }

        private void submit(Call call) {
            synchronized (ElmsService.this) {
                if (!bound(this)) {
                    throw new BusyException(Reason.CLOSED, "the binding of " + profile.name() + " is closed; bind again");
                }
                engine.submit(call);
            }
        }

        @Override
        public void close() {
            unbind(this);
        }
    }
}
