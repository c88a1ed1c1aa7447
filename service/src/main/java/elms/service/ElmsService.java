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
import elms.planner.PlanForm;
import elms.planner.Plan.Span;
import elms.planner.Planner;
import elms.planner.Prompt;
import elms.planner.Slo;
import elms.service.Response.FinishReason;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** Runs requests on one model, one after the other, each by its own plan. */
public final class ElmsService {
    private static final int WARM_UP_TOKENS = 3;

    private final ElasticModel model;
    private final Transformer transformer;
    private final Planner planner;

    public ElmsService(ElasticModel model, Kernels kernels, LatencyModel latency) {
        this.model = model;
        this.transformer = new Transformer(model.weights(), kernels);
        this.planner = new Planner(model.levels(), latency, Optional.empty(), PlanForm.SEGMENTS);
    }

    public ElasticModel model() {
        return model;
    }

    /** Runs throw-away requests on the largest and the smallest level: the next one finds compiled code, and weights in memory. */
    public void warmUp() {
        Message question = Message.user("Tell me about yourself: who are you, and what can you do?");
        for (SubModel level : List.of(model.full(), model.levels().get(model.levels().size() - 1))) {
            call(new Request(List.of(question), Slo.NONE, false, OptionalDouble.of(level.share()), Sampling.GREEDY, WARM_UP_TOKENS,
                    List.of()), Listener.NONE);
        }
    }

    /**
     * Answers a request. The clock of its SLO starts now.
     *
     * @throws ElmsException if the prompt does not fit the context, or a strict request's SLO is predicted to be missed
     */
    public synchronized Response call(Request request, Listener listener) {
        long arrival = System.nanoTime();
        RenderedChat chat = model.template().render(request.messages());
        Prompt prompt = new Prompt(chat.text(), model.tokenizer().encode(chat), List.of());
        int room = model.config().context() - prompt.tokens();
        if (room < 1) {
            throw new ElmsException("the prompt has " + prompt.tokens() + " tokens, but the context of " + model.name() + " holds "
                    + model.config().context() + "; shorten it");
        }
        int longest = Math.min(request.maxTokens(), room);
        Plan plan = plan(request, prompt, longest, (System.nanoTime() - arrival) / 1e6);
        listener.planned(plan);
        if (request.strict() && !plan.feasible()) {
            throw new InfeasibleException(plan);
        }
        try (KvCache cache = transformer.newCache(plan.promptTokens() + longest)) {
            for (Span span : plan.spans()) {
                transformer.read(span.tokens(), span.level(), cache);
            }
            return answer(request, listener, arrival, plan, cache, longest);
        }
    }

    private Plan plan(Request request, Prompt prompt, int longest, double overheadMillis) {
        if (request.level().isPresent()) {
            return planner.pinned(prompt, longest, request.slo(), model.nearest(request.level().getAsDouble()), overheadMillis);
        }
        return planner.plan(prompt, longest, request.slo(), overheadMillis);
    }

    /** Decodes until the answer ends; the prompt has been read. */
    private Response answer(Request request, Listener listener, long arrival, Plan plan, KvCache cache, int longest) {
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
        return new Response(text.toString(), reason, tokens, plan, measured(arrival, first, last, tokens));
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
}
