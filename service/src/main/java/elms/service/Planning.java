package elms.service;

import elms.engine.ElasticModel;
import elms.engine.model.SubModel;
import elms.engine.text.Encoding;
import elms.engine.text.Range;
import elms.planner.Answering;
import elms.planner.Forecast;
import elms.planner.Latency;
import elms.planner.LatencyModel.Part;
import elms.planner.Limit;
import elms.planner.Plan;
import elms.planner.Plan.Span;
import elms.planner.Planner;
import elms.planner.Prompt;
import elms.planner.Slo;
import elms.planner.Steps;
import elms.planner.Terms;
import elms.service.PrefixCache.Match;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/** Where the service asks the planner. What is cached, floors, pinned levels and the load are added to its plans here. */
final class Planning {
    /** Of a level's own time, so that the planner's comparison with the level's time holds. */
    private static final double ROUNDING = 1 + 1e-9;

    private final ElasticModel model;
    private final Planner planner;
    private final Forecast forecast;
    private final boolean judges;

    Planning(ElasticModel model, Forecast forecast, Settings settings) {
        this.model = model;
        this.forecast = forecast;
        this.judges = settings.reader().isPresent();
        this.planner = new Planner(model.levels(), forecast, settings.reader(), settings.form());
    }

    /** A call's bounds in milliseconds: a ratio is of the full model's time for the whole prompt, without any cache. */
    Latency limit(Prompt prompt, int longest, Slo slo) {
        return planner.limit(prompt.tokens(), longest, slo);
    }

    /** Levels that a call may run at, largest first. */
    List<SubModel> levels(Call call) {
        Request request = call.request();
        if (request.pin().isPresent()) {
            return List.of(model.nearest(request.pin().get().answer()));
        }
        if (request.slo().equals(Slo.NONE)) {
            return List.of(model.full());
        }
        return model.levels().stream().filter(level -> level.share() >= floor(call)).toList();
    }

    /**
     * Whether what a level has read may stand for a part of the call's prompt. Where the loss of quality is bounded the full model
     * must have read it: the planner judges what is still to be read.
     */
    boolean mayRead(Call call, SubModel level) {
        Optional<Pin> pin = call.request().pin();
        if (pin.isPresent()) {
            return level == model.nearest(pin.get().prompt());
        }
        return call.request().floor().boundsLoss() ? level == model.full() : levels(call).contains(level);
    }

    /** Tokens of a call's prompt that must be read, whatever is cut. */
    int leastTokens(Call call, int cached) {
        Prompt rest = behind(call.prompt(), cached, floor(call) > 0);
        return (int) IntStream.range(0, rest.tokens()).filter(token -> !rest.mayCut(token)).count();
    }

    private double floor(Call call) {
        return Math.max(call.request().floor().level(judges), call.request().tools() ? call.app().toolsMinLevel() : 0);
    }

    /**
     * Plans a call.
     *
     * @param cached what of the prompt need not be read
     * @param waited milliseconds that are gone, or will be before it is read
     * @param alone whether to plan as if nothing had been waited for
     * @param answer the level that the load allows for the answer, if it says so
     */
    Plan plan(Call call, Optional<Match> cached, double waited, boolean alone, Optional<SubModel> answer) {
        Latency limit = limit(call.prompt(), call.longest(), call.request().slo());
        Prompt rest = behind(call.prompt(), cached.map(Match::length).orElse(0), floor(call) > 0);
        double overhead = attention(call.prompt().tokens(), rest.tokens()) + (alone ? 0 : waited);
        Plan plan = call.request().pin().isPresent() ? pinned(call, rest, limit, overhead)
                : raised(planned(call, rest, limit, overhead, alone, answer), call, rest, overhead);
        List<Span> spans = new ArrayList<>(cached.map(Match::spans).orElse(List.of()));
        spans.addAll(plan.spans());
        Latency predicted = alone ? later(plan.predicted(), waited) : plan.predicted();
        return new Plan(spans, plan.answering(), limit, predicted, predicted.within(limit), plan.loss());
    }

    private static Latency later(Latency latency, double millis) {
        return new Latency(OptionalDouble.of(latency.ttftMillis().orElse(0) + millis), latency.tpotMillis());
    }

    private Plan planned(Call call, Prompt rest, Latency limit, double overhead, boolean alone, Optional<SubModel> answer) {
        int context = rest.tokens() + call.longest() / 2;
        OptionalDouble step = answer.isEmpty() || call.request().slo().equals(Slo.NONE) ? limit.tpotMillis()
                : OptionalDouble.of(ROUNDING * forecast.steps(answer.get(), context).tpotMillis(call.longest()));
        Slo slo = new Slo(time(limit.ttftMillis()), time(step));
        Terms terms = new Terms(!alone && answer.isEmpty(), call.request().floor().maxQualityLoss());
        return planner.plan(rest, call.longest(), slo, overhead, terms);
    }

    private static Optional<Limit> time(OptionalDouble millis) {
        return millis.isPresent() ? Optional.of(new Limit.Time(millis.getAsDouble())) : Optional.empty();
    }

    private Plan pinned(Call call, Prompt rest, Latency limit, double overhead) {
        Pin pin = call.request().pin().orElseThrow();
        return planner.pinned(rest, call.longest(), new Slo(time(limit.ttftMillis()), time(limit.tpotMillis())), model.nearest(pin.prompt()),
                model.nearest(pin.answer()), overhead);
    }

    /** The plan with every level at least at the call's floor. */
    private Plan raised(Plan plan, Call call, Prompt rest, double overhead) {
        SubModel least = levels(call).get(levels(call).size() - 1);
        boolean high = plan.spans().stream().allMatch(span -> span.level().share() >= least.share());
        if (high && plan.decode().share() >= least.share()) {
            return plan;
        }
        List<Span> spans = plan.spans().stream().map(span -> new Span(span.tokens(), larger(span.level(), least))).toList();
        SubModel answer = larger(plan.decode(), least);
        double read = forecast.prefillMillis(0, spans.stream().map(span -> new Part(span.level(), span.length())).toList());
        Steps steps = forecast.steps(answer, rest.tokens() + call.longest() / 2);
        Latency predicted = Latency.of(overhead + read, steps.tpotMillis(call.longest()));
        return new Plan(spans, Answering.steady(answer), plan.slo(), predicted, predicted.within(plan.slo()), plan.loss());
    }

    private static SubModel larger(SubModel level, SubModel other) {
        return level.share() >= other.share() ? level : other;
    }

    /** What attention to a cached beginning adds to reading the rest, in milliseconds. */
    private double attention(int whole, int rest) {
        if (whole == rest) {
            return 0;
        }
        List<Part> parts = List.of(new Part(model.full(), rest));
        return forecast.prefillMillis(whole - rest, parts) - forecast.prefillMillis(0, parts);
    }

    /** What follows the first tokens of a prompt. */
    private static Prompt behind(Prompt prompt, int tokens, boolean whole) {
        Encoding all = prompt.encoding();
        int length = all.length();
        Encoding rest = new Encoding(Arrays.copyOfRange(all.ids(), tokens, length),
                Arrays.copyOfRange(all.starts(), tokens, length), Arrays.copyOfRange(all.ends(), tokens, length));
        int start = tokens < length ? rest.starts()[0] : prompt.text().length();
        List<Range> cuttable = whole ? List.of() : prompt.cuttable().stream().filter(range -> range.end() > start)
                .map(range -> new Range(Math.max(range.start(), start), range.end())).toList();
        return new Prompt(prompt.text(), rest, cuttable);
    }
}
