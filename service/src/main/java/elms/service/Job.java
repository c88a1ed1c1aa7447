package elms.service;

import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer.Continuation;
import elms.engine.model.SubModel;
import elms.planner.Latency;
import elms.planner.Plan;
import elms.planner.Plan.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A call on the engine's side, from the queue to its last token. Times are on the service's clock, in milliseconds. */
final class Job {
    /** A request that is late, or in no hurry, is as urgent after this as one that is due. */
    static final double PATIENCE = 5_000;
    /** Most time between two tokens of an answer that is in no hurry: as fast as people read. */
    static final double UNHURRIED_STEP = 200;
    private static final double PRIORITY_STEP = 1_000;

    private final Call call;
    private final Latency limit;
    private final double priority;
    private final List<SubModel> levels;
    private final int found;
    private final int leastTokens;
    private boolean late;
    /** The smallest level that may answer. */
    private SubModel leastAnswer;
    private Plan plan;
    private Answer answer;
    private KvCache cache;
    private int cached;
    private double startedAt;
    private SubModel level;
    /** The level that read each of the answer's tokens. */
    private final List<SubModel> answeredBy = new ArrayList<>();

    /**
     * @param levels that it may run at, largest first
     * @param found tokens of its prompt that were in the prefix cache when it came
     * @param leastTokens of its prompt that must be read
     */
    Job(Call call, Latency limit, List<SubModel> levels, int found, int leastTokens) {
        this.call = call;
        this.limit = limit;
        this.levels = levels;
        this.found = found;
        this.leastTokens = leastTokens;
        this.leastAnswer = smallest();
        this.priority = PRIORITY_STEP * call.app().priority();
    }

    Call call() {
        return call;
    }

    /** Whether its SLO cannot be kept any more. */
    boolean late() {
        return late;
    }

    void makeLate() {
        late = true;
    }

    /** Whether nothing bounds its tokens after the first, or not any more. */
    boolean calm() {
        return Double.isInfinite(stepLimit());
    }

    /** Whether a bound on the first token is there to be kept. */
    boolean hurried() {
        return limit.ttftMillis().isPresent() && !late;
    }

    /** Whether its first token is not there, or was not, when it was due. */
    boolean missesFirst(double now) {
        return hurried() && (answer.handedOut() ? answer.firstAt() : now) > deadline();
    }

    /** When its first token is due. */
    double deadline() {
        return call.arrival() + (hurried() ? limit.ttftMillis().getAsDouble() : PATIENCE);
    }

    /** What it is ordered by: its deadline, an important app's a little earlier. */
    double urgency() {
        return deadline() - priority;
    }

    /** What its tokens may take after the first one; infinite where nothing is asked for, or is in vain. */
    double stepLimit() {
        return late ? Double.POSITIVE_INFINITY : limit.tpotMillis().orElse(Double.POSITIVE_INFINITY);
    }

    Latency limit() {
        return limit;
    }

    void start(Plan decided, Answer empty, KvCache begun, double now) {
        plan = decided;
        answer = empty;
        cache = begun;
        cached = begun.length();
        startedAt = now;
        level = decided.decode();
        if (call.request().floor().boundsLoss()) {
            leastAnswer = level;
        }
    }

    /** The level that gives the next token: the plan's, or under load a smaller one. */
    SubModel level() {
        return level;
    }

    void setLevel(SubModel next) {
        level = next;
    }

    Plan plan() {
        return plan;
    }

    Answer answer() {
        return answer;
    }

    KvCache cache() {
        return cache;
    }

    SubModel largest() {
        return levels.get(0);
    }

    SubModel smallest() {
        return levels.get(levels.size() - 1);
    }

    /** The smallest level that may answer: its plan's, where the loss of quality is bounded. */
    SubModel leastAnswer() {
        return leastAnswer;
    }

    /** No smaller level may answer from now on, since its plan needs that one. */
    void requireAnswer(SubModel least) {
        leastAnswer = least;
    }

    /** The level that answers where one is wanted, but none above {@code most}: no smaller one than it may have. */
    SubModel within(SubModel wanted, SubModel most) {
        SubModel smaller = wanted.share() <= most.share() ? wanted : most;
        return smaller.share() >= leastAnswer.share() ? smaller : leastAnswer;
    }

    int found() {
        return found;
    }

    int leastTokens() {
        return leastTokens;
    }

    /** Tokens that it took from the prefix cache. */
    int cached() {
        return cached;
    }

    double startedAt() {
        return startedAt;
    }

    /** Tokens of the prompt that are still to be read. */
    int unread() {
        return Math.max(0, plan.promptTokens() - cache.length());
    }

    /** The level that reads the next token of the prompt. */
    SubModel readingLevel() {
        return next().level();
    }

    /** The next tokens of the prompt, all of one level, at most so many. */
    Continuation read(int tokens) {
        Span rest = next();
        return new Continuation(Arrays.copyOf(rest.tokens(), Math.min(tokens, rest.length())), cache);
    }

    /** Tokens that its next level reads. */
    int unreadOfLevel() {
        return next().length();
    }

    private Span next() {
        int skip = cache.length();
        for (Span span : plan.spans()) {
            if (skip < span.length()) {
                return new Span(Arrays.copyOfRange(span.tokens(), skip, span.length()), span.level());
            }
            skip -= span.length();
        }
        throw new IllegalStateException("the prompt has been read");
    }

    /** The answer's last token, which its level reads next. */
    Continuation continuation() {
        answeredBy.add(level);
        return new Continuation(new int[] {answer.last()}, cache);
    }

    /**
     * When its next token is due: before its first is handed out, so that its head start is whole by then.
     *
     * @param fullStep time of the full model's step
     */
    double nextDue(double fullStep) {
        double step = stepLimit();
        if (Double.isInfinite(step)) {
            return answer.lastAt() + UNHURRIED_STEP;
        }
        return answer.handedOut() ? answer.firstAt() + answer.tokens() * step
                : deadline() - (plan.answering().headStart() - answer.tokens() - 1) * fullStep;
    }

    /** Whether it is ahead of its pace, so that the full model may give the next token too. */
    boolean ahead(double now, double fullStep) {
        return answer.tokens() < plan.answering().fullTokens() && now + fullStep <= nextDue(fullStep);
    }

    /** Whether it has tokens that its caller does not have. */
    boolean keepsToItself() {
        return answer.tokens() > 0 && !answer.handedOut();
    }

    /** Whether its first token can wait for the next of its head start, and would not be late if that took twice as long. */
    boolean holdsBack(double now, double fullStep) {
        return hurried() && answer.tokens() < plan.answering().headStart() && now + 2 * fullStep <= deadline();
    }

    /** What each of its remaining tokens may take from some time on; infinite if it is in no hurry. */
    double pace(double now) {
        double step = stepLimit();
        if (answer.tokens() == 0 || Double.isInfinite(step)) {
            return step;
        }
        int remaining = call.longest() - answer.tokens();
        double first = answer.handedOut() ? answer.firstAt() : deadline();
        return (first + (call.longest() - 1) * step - now) / Math.max(1, remaining);
    }

    /** What its cache holds, by level. */
    List<Span> held() {
        List<Span> held = new ArrayList<>();
        int left = cache.length();
        for (Span span : plan.spans()) {
            int taken = Math.min(left, span.length());
            if (taken > 0) {
                held.add(new Span(Arrays.copyOf(span.tokens(), taken), span.level()));
            }
            left -= taken;
        }
        int[] answered = answer.first(Math.max(0, left));
        for (int i = 0; i < answered.length; i++) {
            held.add(new Span(new int[] {answered[i]}, answeredBy.get(i)));
        }
        return held;
    }

    /** The level that gave each token of the answer after the first. */
    List<SubModel> answeredBy() {
        return List.copyOf(answeredBy);
    }
}
