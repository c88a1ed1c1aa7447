package elms.service;

import elms.engine.decode.Sampler;
import elms.engine.decode.TextStream;
import elms.engine.text.Tokenizer;
import elms.planner.Latency;
import elms.planner.Plan;
import elms.service.Response.FinishReason;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** The answer to a call as it grows, token by token. Its first tokens may be held back, to be handed out together. */
final class Answer {
    private final Call call;
    private final Tokenizer tokenizer;
    private final Sampler sampler;
    private final TextStream stream;
    private final Optional<Constraint> constraint;
    /** Scores of tokens whose text is held back. */
    private final List<TokenScore> unshown = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    /** What the caller is told once the first token is handed out. */
    private final List<Runnable> held = new ArrayList<>();
    private boolean handedOut;
    private final int[] ids;
    private int tokens;
    private double firstAt;
    private double lastAt;

    Answer(Call call, Plan plan, Tokenizer tokenizer) {
        this.call = call;
        this.tokenizer = tokenizer;
        this.sampler = new Sampler(call.request().sampling());
        this.stream = new TextStream(call.request().stops());
        this.ids = new int[call.longest()];
        this.constraint = call.request().constraint().map(maker -> maker.get());
        plan.spans().stream().flatMapToInt(span -> Arrays.stream(span.tokens())).forEach(sampler::accept);
    }

    /** Whether every token of the vocabulary needs its score. */
    boolean needsAllScores() {
        Request request = call.request();
        return constraint.isPresent() || request.alternatives().isPresent() || !request.sampling().offsets().bias().isEmpty();
    }

    /**
     * Draws the next token.
     *
     * @param smaller whether a level below the full model gave the scores
     * @param now when its scores were there, on the service's clock
     * @return why the answer ends with it, if it does
     */
    Optional<FinishReason> next(float[] scores, boolean smaller, double now) {
        float[] raw = call.request().alternatives().isPresent() ? scores.clone() : scores;
        constraint.ifPresent(form -> form.restrict(scores));
        int last = sampler.next(scores, smaller && constraint.isEmpty());
        constraint.ifPresent(form -> form.accept(last));
        lastAt = now;
        ids[tokens++] = last;
        if (tokenizer.endsAnswer(last)) {
            return Optional.of(FinishReason.STOP);
        }
        call.request().alternatives().ifPresent(others -> unshown.add(TokenScore.of(last, raw, others)));
        show(stream.push(tokenizer.bytes(last)));
        if (stream.stopped()) {
            return Optional.of(FinishReason.STOP);
        }
        return tokens < call.longest() ? Optional.empty() : Optional.of(FinishReason.LENGTH);
    }

    /** The token drawn last, which the model has not read. */
    int last() {
        return ids[tokens - 1];
    }

    /** Its first tokens. */
    int[] first(int count) {
        return Arrays.copyOf(ids, count);
    }

    int tokens() {
        return tokens;
    }

    /** Whether its caller has its first token. */
    boolean handedOut() {
        return handedOut;
    }

    /** Hands out what was held back, and from now on every token as it comes. */
    void handOut(double now) {
        handedOut = true;
        firstAt = now;
        held.forEach(Runnable::run);
        held.clear();
    }

    /** When the first token was handed out, on the service's clock. */
    double firstAt() {
        return firstAt;
    }

    double lastAt() {
        return lastAt;
    }

    /** Shows what was not shown yet, and returns the whole text. */
    String finish() {
        if (!handedOut) {
            handOut(lastAt);
        }
        show(stream.finish());
        return text.toString();
    }

    /** Both latencies, from the call's arrival. */
    Latency measured() {
        return new Latency(
                tokens < 1 ? OptionalDouble.empty() : OptionalDouble.of(firstAt - call.arrival()),
                tokens < 2 ? OptionalDouble.empty() : OptionalDouble.of((lastAt - firstAt) / (tokens - 1)));
    }

    private void show(String piece) {
        if (!piece.isEmpty()) {
            unshown.forEach(score -> tell(() -> call.scored(score)));
            unshown.clear();
            text.append(piece);
            tell(() -> call.text(piece));
        }
    }

    private void tell(Runnable event) {
        if (handedOut) {
            event.run();
        } else {
            held.add(event);
        }
    }
}
