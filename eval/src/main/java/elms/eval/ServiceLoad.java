package elms.eval;

import elms.engine.ElasticModel;
import elms.engine.decode.Transformer;
import elms.engine.text.Message;
import elms.engine.text.RenderedChat;
import elms.eval.Contender.Served;
import elms.eval.Contender.Session;
import elms.kernels.Kernels;
import elms.planner.LatencyModel;
import elms.planner.PlanForm;
import elms.planner.compact.PromptReader;
import elms.service.AppProfile;
import elms.service.Binding;
import elms.service.ElmsService;
import elms.service.Listener;
import elms.service.Pin;
import elms.service.Policy;
import elms.service.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.function.DoubleConsumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Goodput and accuracy of six apps under load, beside other ways to serve them. Every answer has {@value ServedApp#ANSWER_TOKENS}
 * tokens, whoever gives it.
 */
public final class ServiceLoad {
    /** Of each app, not counted, again and again until their code is compiled. */
    private static final int WARM_UP_REQUESTS = 8;
    private static final Duration WARM_UP = Duration.ofSeconds(30);
    private static final int CAPACITY_REQUESTS = 18;
    private static final double SMALL = 0.4;
    /** Of an app's requests, one after the other with rests between them, the smallest level must keep so many to be above the floor. */
    private static final int LONE_REQUESTS = 8;
    private static final int KEPT = 6;
    private static final long REST_NANOS = 200_000_000;

    /**
     * What was measured.
     *
     * @param capacity requests a second that the full model serves one after the other, without any cache
     * @param atFloor apps whose SLO the smallest level misses more than now and then on the idle machine
     */
    public record Report(String model, double capacity, double seconds, List<String> atFloor, List<Load> loads) {}

    /** One load, as a share of the capacity. */
    public record Load(double load, int requests, Map<String, Quality> policies) {}

    /**
     * One policy under one load.
     *
     * @param goodput share of the requests that met both SLOs
     * @param ttftMet share of them that met the one of the first token
     * @param tpotMet share of them that met the one of the tokens after it
     * @param accuracy share of the answered requests that are right
     * @param useful share of all requests that met both SLOs and are right
     * @param goodputAboveFloor goodput of the apps whose SLO is not at the machine's floor
     * @param worstAppGoodput the least of theirs
     */
    public record Quality(double goodput, double ttftMet, double tpotMet, double accuracy, double useful, double goodputAboveFloor,
            double worstAppGoodput, Map<String, Double> apps) {}

    private record Arrival(double seconds, ServedApp app, Question question) {}

    private record Outcome(Arrival arrival, Optional<Served> served) {
        boolean good() {
            return served.filter(Served::sloMet).isPresent();
        }
    }

    private final ElasticModel model;
    private final Kernels kernels;
    private final LatencyModel latency;
    private final List<ServedApp> apps;
    private final List<Contender> contenders = new ArrayList<>();
    private final Contender smallest;
    private final Arrivals arrivals;
    private final PlanAccuracy accuracy;
    private final DoubleConsumer progress;

    /**
     * @param reader of prompts, for the planner
     * @param peer that the same requests go to
     * @param data folder with the tasks and traces
     */
    public ServiceLoad(ElasticModel model, Kernels kernels, LatencyModel latency, Optional<PromptReader> reader,
            Optional<PeerServer> peer, Path data, DoubleConsumer progress) {
        this.model = new ElasticModel(model.name(), model.weights(), model.levels(), new EndlessTokenizer(model.tokenizer()),
                ServiceLoad::plain);
        this.kernels = kernels;
        this.latency = latency;
        this.progress = progress;
        apps = ServedApp.all(data);
        arrivals = Arrivals.read(data.resolve("traces/AzureLLMInferenceTrace_conv.csv"));
        accuracy = new PlanAccuracy(new Transformer(model.weights(), kernels), model.full(), model.tokenizer(), AnswerStore.inMemory());
        contend("elms", Policy.ELMS, reader, Optional.empty());
        contend("elms_unaware", Policy.UNAWARE, reader, Optional.empty());
        contend("first_come_full", Policy.FIRST_COME, reader, Optional.of(Pin.of(1)));
        contend("first_come_small", Policy.FIRST_COME, reader, Optional.of(Pin.of(SMALL)));
        contend("deadline_drop_full", Policy.DROPS_LATE, reader, Optional.of(Pin.of(1)));
        smallest = contender("smallest", Policy.FIRST_COME, reader, Optional.of(Pin.of(model.levels().getLast().share())));
        peer.ifPresent(server -> contenders.add(new PeerContender(server, this.model, latency, apps)));
    }

    private void contend(String name, Policy policy, Optional<PromptReader> reader, Optional<Pin> pin) {
        contenders.add(contender(name, policy, reader, pin));
    }

    private Contender contender(String name, Policy policy, Optional<PromptReader> reader, Optional<Pin> pin) {
        Settings settings = Settings.usual().withPolicy(policy).withPlanner(reader, PlanForm.ELMS);
        return new ElmsContender(name, model, kernels, latency, settings, pin, apps);
    }

    /** The tasks' own form, without the markup of a chat. */
    private static RenderedChat plain(List<Message> messages) {
        return new RenderedChat(messages.stream().map(Message::content).collect(Collectors.joining()), List.of());
    }

    /**
     * Measures every policy under every load, with the same requests.
     *
     * @param loads shares of the full model's capacity
     * @param seconds that requests come for, in each run
     */
    public Report measure(List<Double> loads, double seconds, long seed) {
        CodeWarmUp.run(this::warmUp, WARM_UP);
        double capacity = capacity(seed);
        List<String> atFloor = atFloor(seed);
        List<Load> measured = new ArrayList<>();
        for (int i = 0; i < loads.size(); i++) {
            List<Arrival> requests = requests(loads.get(i) * capacity, seconds, seed + i);
            Map<String, Quality> qualities = new LinkedHashMap<>();
            for (Contender contender : contenders) {
                progress.accept((i + (double) qualities.size() / contenders.size()) / loads.size());
                qualities.put(contender.name(), quality(run(contender, requests), atFloor));
            }
            measured.add(new Load(loads.get(i), requests.size(), qualities));
        }
        return new Report(model.name(), capacity, seconds, atFloor, measured);
    }

    private void warmUp() {
        try (Session session = contenders.getFirst().start()) {
            for (ServedApp app : apps) {
                app.questions().stream().limit(WARM_UP_REQUESTS).forEach(question -> session.answer(app, question));
            }
        }
    }

    private List<Arrival> requests(double rate, double seconds, long seed) {
        Random random = new Random(seed);
        return arrivals.within(seconds, rate, seed).stream().map(time -> {
            ServedApp app = apps.get(random.nextInt(apps.size()));
            return new Arrival(time, app, app.questions().get(random.nextInt(app.questions().size())));
        }).toList();
    }

    private double capacity(long seed) {
        Settings uncached = Settings.usual().withCacheBytes(0);
        Random random = new Random(seed);
        try (ElmsService service = ElmsService.open(model, kernels, latency, uncached);
                Binding binding = service.bind(AppProfile.of("capacity"))) {
            service.warmUp();
            long start = System.nanoTime();
            for (int i = 0; i < CAPACITY_REQUESTS; i++) {
                ServedApp app = apps.get(i % apps.size());
                Question question = app.questions().get(random.nextInt(app.questions().size()));
                binding.call(app.request(question), Listener.NONE);
            }
            return CAPACITY_REQUESTS / ((System.nanoTime() - start) / 1e9);
        }
    }

    private List<String> atFloor(long seed) {
        Random random = new Random(seed);
        Map<ServedApp, Integer> kept = new HashMap<>();
        try (Session session = smallest.start()) {
            for (int i = 0; i < LONE_REQUESTS; i++) {
                for (ServedApp app : apps) {
                    LockSupport.parkNanos(REST_NANOS);
                    Optional<Served> served = session.answer(app, app.questions().get(random.nextInt(app.questions().size())));
                    kept.merge(app, served.filter(Served::sloMet).isPresent() ? 1 : 0, Integer::sum);
                }
            }
        }
        return apps.stream().filter(app -> kept.get(app) < KEPT).map(ServedApp::name).toList();
    }

    private List<Outcome> run(Contender contender, List<Arrival> requests) {
        try (Session session = contender.start(); ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            long start = System.nanoTime();
            List<Future<Outcome>> outcomes = new ArrayList<>();
            for (Arrival arrival : requests) {
                for (long left = left(start, arrival); left > 0; left = left(start, arrival)) {
                    LockSupport.parkNanos(left);
                }
                outcomes.add(callers.submit(() -> new Outcome(arrival, session.answer(arrival.app(), arrival.question()))));
            }
            return outcomes.stream().map(ServiceLoad::get).toList();
        }
    }

    private static long left(long start, Arrival arrival) {
        return (long) (1e9 * arrival.seconds()) - (System.nanoTime() - start);
    }

    private static Outcome get(Future<Outcome> outcome) {
        try {
            return outcome.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a request failed", e.getCause());
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while requests run", e);
        }
    }

    private Quality quality(List<Outcome> outcomes, List<String> atFloor) {
        Map<Outcome, Boolean> right = new LinkedHashMap<>();
        outcomes.forEach(outcome -> outcome.served().ifPresent(served -> right.put(outcome,
                accuracy.right(served.plan().spans(), served.answering(), outcome.arrival().question()))));
        List<Outcome> above = outcomes.stream().filter(outcome -> !atFloor.contains(outcome.arrival().app().name())).toList();
        Map<String, Double> byApp = new LinkedHashMap<>();
        for (ServedApp app : apps) {
            List<Outcome> own = outcomes.stream().filter(outcome -> outcome.arrival().app() == app).toList();
            byApp.put(app.name(), share(own.stream().filter(Outcome::good).count(), own.size()));
        }
        return new Quality(
                share(outcomes, Served::sloMet), share(outcomes, Served::ttftMet), share(outcomes, Served::tpotMet),
                share(right.values().stream().filter(correct -> correct).count(), right.size()),
                share(outcomes.stream().filter(outcome -> outcome.good() && right.get(outcome)).count(), outcomes.size()),
                share(above, Served::sloMet),
                byApp.keySet().stream().filter(app -> !atFloor.contains(app)).mapToDouble(byApp::get).min().orElse(1),
                byApp);
    }

    private static double share(List<Outcome> outcomes, Predicate<Served> met) {
        return share(outcomes.stream().filter(outcome -> outcome.served().filter(met).isPresent()).count(), outcomes.size());
    }

    private static double share(long part, int whole) {
        return (double) part / Math.max(1, whole);
    }
}
