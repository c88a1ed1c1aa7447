package elms.eval.planner;

import elms.engine.ElasticModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.engine.text.Encoding;
import elms.engine.text.Range;
import elms.eval.CodeWarmUp;
import elms.eval.planner.PlannerReport.Errors;
import elms.eval.planner.PlannerReport.Overhead;
import elms.eval.planner.PlannerReport.Predictions;
import elms.eval.planner.PlannerReport.Promise;
import elms.kernels.Kernels;
import elms.planner.Answering;
import elms.planner.Forecast;
import elms.planner.Latency;
import elms.planner.LatencyModel;
import elms.planner.Limit;
import elms.planner.Plan;
import elms.planner.PlanForm;
import elms.planner.Planner;
import elms.planner.Prompt;
import elms.planner.Slo;
import elms.planner.Steps;
import elms.planner.compact.Opinion;
import elms.planner.compact.PromptReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.DoubleConsumer;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** Predicted against measured latency on mixed requests: lengths from 64 to 4,096 tokens, the paper's 48 SLOs and times. */
final class LatencyCheck {
    private static final int LEAST = 64;
    private static final int MOST = 4096;
    /** Longest of the requests that come to each combination alike. */
    private static final int SHORT = 256;
    private static final int ANSWER = 16;
    /** A TPOT is of few steps if they are fewer. */
    private static final int FEW = 10;
    private static final int ANY_TOKEN = 1;
    /** Requests that are not counted, again and again until their code is compiled. */
    private static final int WARM_UP = 20;
    private static final Duration WARM_UP_TIME = Duration.ofSeconds(60);
    private static final long SEED = 1;
    /** One request of so many has its SLO as times. */
    private static final int TIMES_EVERY = 4;

    /** All of what is measured. */
    record Measured(Predictions latency, Map<String, Promise> promises, Overhead overhead) {}

    /**
     * What became of a request.
     *
     * @param steps behind the head start, of which the TPOT was measured; there may be none
     */
    private record Outcome(SloPair slo, Latency expected, Latency measured, int steps, boolean feasible, boolean kept) {
        double ttftError() {
            return Math.abs(expected.ttftMillis().getAsDouble() / measured.ttftMillis().getAsDouble() - 1);
        }

        double tpotError() {
            return Math.abs(expected.tpotMillis().getAsDouble() / measured.tpotMillis().getAsDouble() - 1);
        }
    }

    private final ElasticModel model;
    private final Transformer transformer;
    private final LatencyModel profile;
    private final PromptReader reader;
    private final DoubleConsumer progress;
    private final List<Double> overheads = new ArrayList<>();

    LatencyCheck(ElasticModel model, Kernels kernels, LatencyModel profile, PromptReader reader, DoubleConsumer progress) {
        this.model = model;
        this.transformer = new Transformer(model.weights(), kernels);
        this.profile = profile;
        this.reader = reader;
        this.progress = progress;
    }

    /**
     * @param text of at least {@value #MOST} tokens, that requests are cut from
     * @param requests mixed ones
     * @param each short requests for each combination of the paper's
     */
    Measured measure(String text, int requests, int each) {
        Random random = new Random(SEED);
        List<SloPair> combinations = SloPair.combinations();
        Forecast forecast = new Forecast(profile);
        Planner planner = new Planner(model.levels(), forecast, Optional.of(this::timed), PlanForm.ELMS);
        int all = requests + each * combinations.size();
        Random others = new Random(SEED + 1);
        CodeWarmUp.run(() -> IntStream.range(0, WARM_UP).forEach(i -> mixed(planner, forecast, text, others, i)), WARM_UP_TIME);
        overheads.clear();
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < requests; i++) {
            progress.accept((double) i / all);
            outcomes.add(mixed(planner, forecast, text, random, i));
        }
        List<Outcome> promised = new ArrayList<>();
        for (int i = 0; i < each; i++) {
            progress.accept((double) (all - (each - i) * combinations.size()) / all);
            for (SloPair pair : combinations) {
                promised.add(run(planner, forecast, prompt(text, SHORT, random), pair, i % TIMES_EVERY == 0));
            }
        }
        Map<String, Promise> promises = new LinkedHashMap<>();
        promised.stream().collect(Collectors.groupingBy(Outcome::slo, LinkedHashMap::new, Collectors.toList()))
                .forEach((pair, own) -> promises.put(pair.toString(), new Promise(share(own, Outcome::feasible), kept(own))));
        List<Outcome> paced = outcomes.stream().filter(outcome -> outcome.steps() > 0).toList();
        double[] errors = DoubleStream.concat(outcomes.stream().mapToDouble(Outcome::ttftError),
                paced.stream().mapToDouble(Outcome::tpotError)).sorted().toArray();
        Map<String, Errors> byKind = new LinkedHashMap<>();
        byKind.put("ttft", errors(outcomes, Outcome::ttftError));
        byKind.put("tpot", errors(paced, Outcome::tpotError));
        byKind.put("tpot_of_few_steps",
                errors(paced.stream().filter(outcome -> outcome.steps() < FEW).toList(), Outcome::tpotError));
        Map<Integer, Double> byTtft = new TreeMap<>();
        combinations.stream().map(SloPair::ttft).distinct().forEach(ttft ->
                byTtft.put(ttft, kept(outcomes.stream().filter(outcome -> outcome.slo().ttft() == ttft).toList())));
        double[] shares = overheads.stream().mapToDouble(share -> share).sorted().toArray();
        return new Measured(new Predictions(requests, at(errors, 0.5), at(errors, 0.95), byKind, kept(outcomes),
                share(outcomes, Outcome::feasible), byTtft), promises, new Overhead(at(shares, 0.5), at(shares, 1)));
    }

    private static Errors errors(List<Outcome> outcomes, ToDoubleFunction<Outcome> error) {
        double[] sorted = outcomes.stream().mapToDouble(error).sorted().toArray();
        return new Errors(sorted.length, at(sorted, 0.5), at(sorted, 0.95));
    }

    private static double share(List<Outcome> outcomes, Predicate<Outcome> of) {
        return outcomes.stream().mapToInt(outcome -> of.test(outcome) ? 1 : 0).average().orElse(1);
    }

    /** Share of the feasible requests whose SLO was kept. */
    private static double kept(List<Outcome> outcomes) {
        return share(outcomes.stream().filter(Outcome::feasible).toList(), Outcome::kept);
    }

    /** Some sentences from anywhere in the text, all but the last of which may be cut. */
    private Prompt prompt(String text, int most, Random random) {
        int tokens = (int) Math.round(LEAST * Math.pow((double) most / LEAST, random.nextDouble()));
        int from = random.nextInt(Math.max(1, text.length() - 8 * tokens));
        String piece = text.substring(from, Math.min(text.length(), from + 8 * tokens));
        Encoding encoding = model.tokenizer().encode(piece);
        int end = encoding.ends()[Math.min(tokens, encoding.length()) - 1];
        String cut = piece.substring(0, end);
        int question = Math.max(0, cut.lastIndexOf(' ', cut.length() - Math.min(cut.length() / 4, 200)));
        return new Prompt(cut, model.tokenizer().encode(cut), List.of(new Range(0, question)));
    }

    private Opinion timed(String text, List<Range> cuttable) {
        long start = System.nanoTime();
        Opinion opinion = reader.read(text, cuttable);
        double millis = (System.nanoTime() - start) / 1e6;
        int tokens = model.tokenizer().encode(text).length();
        if (tokens >= 256) {
            overheads.add(millis / (profile.prefillMillis(model.full(), tokens) / profile.prefillMargin()));
        }
        return opinion;
    }

    /** A request of any length under any SLO. */
    private Outcome mixed(Planner planner, Forecast forecast, String text, Random random, int index) {
        Prompt prompt = prompt(text, MOST, random);
        List<SloPair> combinations = SloPair.combinations();
        return run(planner, forecast, prompt, combinations.get(random.nextInt(combinations.size())), index % TIMES_EVERY == 0);
    }

    private Outcome run(Planner planner, Forecast forecast, Prompt prompt, SloPair pair, boolean asTimes) {
        long start = System.nanoTime();
        Slo slo = asTimes ? times(prompt, pair) : pair.slo();
        Plan plan = planner.plan(prompt, ANSWER, slo, 0);
        double overhead = (System.nanoTime() - start) / 1e6;
        try (KvCache cache = transformer.newCache(plan.promptTokens() + ANSWER)) {
            int context = plan.promptTokens() + ANSWER / 2;
            Answering answering = plan.answering();
            Steps full = forecast.expectedSteps(model.full(), context);
            Latency expected = Latency.of(overhead + forecast.expectedPrefillMillis(0, plan.parts()) + answering.heldMillis(full),
                    answering.tpotMillis(ANSWER, full, forecast.expectedSteps(answering.level(), context)));
            plan.spans().forEach(span -> transformer.read(span.tokens(), span.level(), cache));
            transformer.candidates();
            double read = (System.nanoTime() - start) / 1e6;
            forecast.readTook(0, plan.parts(), read - overhead);
            int fullTokens = Math.min(ANSWER, answering.fullTokens());
            int heldSteps = answering.headStart() - 1;
            double held = decode(model.full(), 0, heldSteps, cache, forecast);
            double rest = decode(model.full(), heldSteps, fullTokens - answering.headStart(), cache, forecast)
                    + decode(answering.level(), 0, ANSWER - fullTokens, cache, forecast);
            Latency measured = Latency.of(read + held, rest / (ANSWER - 1));
            return new Outcome(pair, expected, measured, ANSWER - answering.headStart(), plan.feasible(),
                    measured.within(plan.slo()));
        }
    }

    /** Milliseconds that some tokens of an answer take on a level which gave others before them. */
    private double decode(SubModel level, int before, int tokens, KvCache cache, Forecast forecast) {
        long start = System.nanoTime();
        for (int i = 0; i < tokens; i++) {
            transformer.step(ANY_TOKEN, level, cache);
            transformer.candidates();
        }
        double millis = (System.nanoTime() - start) / 1e6;
        if (tokens > 0) {
            forecast.stepsTook(level, cache.length() - tokens / 2, before, tokens, millis / tokens);
        }
        return millis;
    }

    private Slo times(Prompt prompt, SloPair pair) {
        double ttft = pair.ttft() / 100.0 * profile.ttftMillis(model.full(), prompt.tokens());
        double tpot = pair.tpot() / 100.0 * profile.tpotMillis(model.full(), prompt.tokens(), ANSWER);
        return new Slo(Optional.of(new Limit.Time(ttft)), Optional.of(new Limit.Time(tpot)));
    }

    private static double at(double[] sorted, double quantile) {
        return sorted.length == 0 ? 0 : sorted[(int) Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))];
    }
}
