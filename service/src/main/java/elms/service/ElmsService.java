package elms.service;

import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.engine.decode.KvCache;
import elms.engine.decode.Sampler;
import elms.engine.decode.Sampling;
import elms.engine.decode.TextStream;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.engine.text.Message;
import elms.engine.text.RenderedChat;
import elms.kernels.Kernels;
import elms.planner.Latency;
import elms.planner.LatencyModel;
import elms.planner.Plan;
import elms.planner.Plan.Span;
import elms.planner.Planner;
import elms.planner.Prompt;
import elms.planner.Slo;
import elms.service.Response.FinishReason;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * An LLM service for the apps of one device: they bind, call, and get answers within the latencies that they ask for. Thread-safe.
 * Nothing of it is static: several services run side by side, each with kernels of its own.
 */
public final class ElmsService implements AutoCloseable {
    private static final int WARM_UP_TOKENS = 3;

    private final ElasticModel model;
    private final Transformer transformer;
    private final Planner planner;
    private final Map<String, Binding> bindings = new TreeMap<>();
    private boolean closed;

    private ElmsService(ElasticModel model, Kernels kernels, LatencyModel latency) {
        this.model = model;
        this.transformer = new Transformer(model.weights(), kernels);
        this.planner = new Planner(model.levels(), latency);
    }

    /**
     * Starts a service.
     *
     * @param kernels used by this service alone until it is closed
     * @param latency what work costs on this device
     */
    public static ElmsService open(ElasticModel model, Kernels kernels, LatencyModel latency) {
        return new ElmsService(model, kernels, latency);
    }

    /** Binds an app. One that is bound already gets the new profile, and its earlier binding is closed. */
    public synchronized Binding bind(AppProfile profile) {
        Binding binding = new Bound(profile);
        bindings.put(profile.name(), binding);
        return binding;
    }

    /** Apps that are bound, by name. */
    public synchronized List<Binding> bindings() {
        return List.copyOf(bindings.values());
    }

    public ElasticModel model() {
        return model;
    }

    /** Runs throw-away requests on the largest and the smallest level: the next one finds compiled code, and weights in memory. */
    public void warmUp() {
        Message question = Message.user("Tell me about yourself: who are you, and what can you do?");
        for (SubModel level : List.of(model.full(), model.levels().get(model.levels().size() - 1))) {
            Request request = Request.of(List.of(question), WARM_UP_TOKENS).withPin(Optional.of(Pin.of(level.share())));
            run(AppProfile.of("warm-up"), request, Listener.NONE);
        }
    }

    /** Ends the service: calls that run are finished, later ones are refused. Kernels stay the caller's to close. */
    @Override
    public synchronized void close() {
        closed = true;
        bindings.clear();
    }

    private synchronized Response run(AppProfile profile, Request asked, Listener listener) {
        long arrival = System.nanoTime();
        Request request = asked.slo().equals(Slo.NONE) ? asked.withSlo(profile.slo()) : asked;
        RenderedChat chat = model.template().render(request.messages());
        Prompt prompt = new Prompt(chat.text(), model.tokenizer().encode(chat), List.of());
        int room = model.config().context() - prompt.tokens();
        if (room < 1) {
            throw new ElmsException("the prompt has " + prompt.tokens() + " tokens, but the context of " + model.name() + " holds "
                    + model.config().context() + "; shorten it");
        }
        int longest = Math.min(request.maxTokens(), room);
        double queueMillis = (System.nanoTime() - arrival) / 1e6;
        Plan plan = plan(request, prompt, longest, queueMillis);
        listener.planned(plan);
        if (request.strict() && !plan.feasible()) {
            throw new InfeasibleException(plan);
        }
        try (KvCache cache = transformer.newCache(plan.promptTokens() + longest)) {
            for (Span span : plan.spans()) {
                transformer.read(span.tokens(), span.level(), cache);
            }
            return answer(request, listener, arrival, prompt.tokens(), queueMillis, plan, cache, longest);
        }
    }

    private Plan plan(Request request, Prompt prompt, int longest, double overheadMillis) {
        if (request.pin().isPresent()) {
            return planner.pinned(prompt, longest, request.slo(), model.nearest(request.pin().get().answer()), overheadMillis);
        }
        return planner.plan(prompt, longest, request.slo(), overheadMillis);
    }

    /** Decodes until the answer ends; the prompt has been read. */
    private Response answer(Request request, Listener listener, long arrival, int promptTokens, double queueMillis, Plan plan,
            KvCache cache, int longest) {
        Sampler sampler = new Sampler(request.sampling());
        plan.spans().stream().flatMapToInt(span -> Arrays.stream(span.tokens())).forEach(sampler::accept);
        TextStream stream = new TextStream(request.stops());
        StringBuilder text = new StringBuilder();
        FinishReason reason = FinishReason.LENGTH;
        int tokens = 0;
        long first = 0;
        long last = 0;
        while (tokens < longest) {
            if (listener.cancelled()) {
                reason = FinishReason.CANCELLED;
                break;
            }
            int token = sampler.next(transformer.candidates());
            last = System.nanoTime();
            first = tokens == 0 ? last : first;
            tokens++;
            if (model.tokenizer().endsAnswer(token)) {
                reason = FinishReason.STOP;
                break;
            }
            show(stream.push(model.tokenizer().bytes(token)), text, listener);
            if (stream.stopped()) {
                reason = FinishReason.STOP;
                break;
            }
            if (tokens < longest) {
                transformer.read(new int[] {token}, plan.decode(), cache);
            }
        }
        show(stream.finish(), text, listener);
        return new Response(text.toString(), reason, promptTokens, 0, tokens, plan, queueMillis, measured(arrival, first, last, tokens));
    }

    private static void show(String piece, StringBuilder text, Listener listener) {
        if (!piece.isEmpty()) {
            text.append(piece);
            listener.text(piece);
        }
    }

    private static Latency measured(long arrival, long first, long last, int tokens) {
        return new Latency(
                tokens < 1 ? OptionalDouble.empty() : OptionalDouble.of((first - arrival) / 1e6),
                tokens < 2 ? OptionalDouble.empty() : OptionalDouble.of((last - first) / 1e6 / (tokens - 1)));
    }

    private final class Bound implements Binding {
        private final AppProfile profile;

        Bound(AppProfile profile) {
            this.profile = profile;
        }

        @Override
        public AppProfile profile() {
            return profile;
        }

        @Override
        public Response call(Request request, Listener listener) {
            synchronized (ElmsService.this) {
                if (closed || bindings.get(profile.name()) != this) {
                    throw new BusyException(BusyException.Reason.CLOSED, "the binding of " + profile.name() + " is closed; bind again");
                }
                return run(profile, request, listener);
            }
        }

        @Override
        public void close() {
            synchronized (ElmsService.this) {
                bindings.remove(profile.name(), this);
            }
        }
    }
}
