package elms.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.model.SubModel;
import elms.engine.text.Encoding;
import elms.engine.text.Message;
import elms.engine.text.Range;
import elms.planner.Decision;
import elms.planner.Limit;
import elms.planner.Plan;
import elms.planner.PlanForm;
import elms.planner.Slo;
import elms.planner.compact.Opinion;
import elms.service.BusyException.Reason;
import elms.service.Response.FinishReason;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several apps at once on a small random model. */
@Timeout(120)
class ServiceUnderLoadTest {
    private static final int LONG = 1500;
    private static final Slo TIGHT = new Slo(Optional.of(new Limit.Ratio(0.5)), Optional.of(new Limit.Ratio(0.5)));

    @TempDir
    Path folder;

    private NanoService nano;
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();

    @BeforeEach
    void load() {
        nano = new NanoService(folder);
    }

    @AfterEach
    void close() {
        callers.shutdownNow();
        nano.close();
    }

    @Test
    void streamsThatRunTogetherGetTheTextThatTheyGetAlone() throws Exception {
        try (ElmsService service = nano.open(Settings.usual())) {
            Binding app = service.bind(AppProfile.of("app"));
            List<Future<Response>> answers = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                Request request = request("question " + i, 60).withPin(Optional.of(pin(i)));
                answers.add(callers.submit(() -> app.call(request, Listener.NONE)));
            }
            for (int i = 0; i < answers.size(); i++) {
                assertThat(answers.get(i).get().text()).isEqualTo(nano.plainText("question " + i, level(i), level(i / 3), 60));
            }
        }
    }

    @Test
    void aRequestWithoutAnSloGetsTheFullModelWhateverTheLoad() throws Exception {
        try (ElmsService service = nano.open(Settings.usual())) {
            Binding busy = service.bind(AppProfile.of("busy").withSlo(TIGHT));
            Binding calm = service.bind(AppProfile.of("calm"));
            List<Future<Response>> load = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                Request request = request("load " + i, 40);
                load.add(callers.submit(() -> busy.call(request, Listener.NONE)));
            }
            for (int i = 0; i < 5; i++) {
                Response response = calm.call(request("calm question", 50), Listener.NONE);
                assertThat(response.plan().prefillLevel()).isEqualTo(1);
                assertThat(response.text()).isEqualTo(nano.plainText("calm question", level(0), level(0), 50));
            }
            for (Future<Response> answer : load) {
                assertThat(answer.get().finishReason()).isNotEqualTo(FinishReason.CANCELLED);
            }
        }
    }

    @Test
    void noPartOfARequestIsBelowItsFloor() {
        try (ElmsService service = nano.open(Settings.usual())) {
            Binding app = service.bind(AppProfile.of("app").withSlo(TIGHT).withToolsMinLevel(level(1).share()));
            Request request = request("hello", 5);
            assertThat(app.call(request, Listener.NONE).plan().decode()).isEqualTo(level(2));
            for (Request floored : List.of(request.withFloor(new Floor(level(1).share(), 1)), request.withTools(true),
                    request.withFloor(new Floor(0, 1 - level(1).share())))) {
                Plan plan = app.call(floored, Listener.NONE).plan();
                assertThat(plan.decode()).isEqualTo(level(1));
                assertThat(plan.spans()).allMatch(span -> span.level().share() >= level(1).share());
                assertThat(plan.feasible()).isFalse();
                assertThatThrownBy(() -> app.call(floored.withStrict(true), Listener.NONE))
                        .isInstanceOf(InfeasibleException.class);
            }
        }
    }

    @Test
    void noPlanLosesMoreThanItsFloorAllows() {
        Settings judged = Settings.usual().withPlanner(Optional.of(ServiceUnderLoadTest::tenPercentALevel), PlanForm.ELMS);
        try (ElmsService service = nano.open(judged)) {
            Binding app = service.bind(AppProfile.of("app").withSlo(TIGHT));
            for (double most : new double[] {0, 0.05, 0.3, 0.9}) {
                Request floored = request("hello", 5).withFloor(new Floor(0, most));
                Plan plan = app.call(floored, Listener.NONE).plan();
                assertThat(plan.loss().orElseThrow()).isLessThanOrEqualTo(most);
                assertThat(plan.decode()).isEqualTo(level(most < 0.1 ? 0 : 2));
                assertThat(plan.feasible()).isFalse();
                assertThatThrownBy(() -> app.call(floored.withStrict(true), Listener.NONE))
                        .isInstanceOf(InfeasibleException.class);
            }
        }
    }

    /** Any smaller level that answers loses a tenth of the quality. */
    private static Opinion tenPercentALevel(String text, List<Range> cuttable) {
        float[] qualities = new float[Decision.OUTPUTS];
        Arrays.fill(qualities, Decision.ANSWERS_FROM + 1, Decision.WORDS_FROM, -0.1f);
        Encoding pieces = new ByteTokenizer().encode(text);
        return new Opinion(pieces, new float[pieces.length()], new float[0], qualities);
    }

    @Test
    void aFullQueueAndAnExhaustedQuotaRefuse() throws Exception {
        try (ElmsService service = nano.open(Settings.usual().withMostWaiting(2).withMeters(meters))) {
            Binding app = service.bind(AppProfile.of("app").withQuota(1024));
            Binding small = service.bind(AppProfile.of("small").withQuota(1));
            CountDownLatch began = new CountDownLatch(1);
            CountDownLatch over = new CountDownLatch(1);
            Future<Response> running = callers.submit(() -> small.call(request("first", LONG), held(began, over)));
            began.await();
            assertThatThrownBy(() -> small.call(request("second", 5), Listener.NONE)).isInstanceOfSatisfying(BusyException.class,
                    busy -> assertThat(busy.reason()).isEqualTo(Reason.QUOTA));
            List<Callable<Response>> flood = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                flood.add(() -> app.call(request("x".repeat(400), 40), Listener.NONE));
            }
            long refused = callers.invokeAll(flood).stream().filter(call -> call.state() == Future.State.FAILED)
                    .peek(call -> assertThat(call.exceptionNow()).isInstanceOfSatisfying(BusyException.class,
                            busy -> assertThat(busy.reason()).isEqualTo(Reason.QUEUE_FULL))).count();
            over.countDown();
            running.get();
            assertThat(refused).isPositive();
            assertThat(meters.get("elms.requests.refused").tag("reason", "queue_full").counter().count()).isEqualTo(refused);
        }
    }

    /** Nobody polls: a thread that waits with a timeout would be seen in another state, and one that waits anew counted. */
    @Test
    void streamsThatWaitSleepUntilTheirTurnComes() throws Exception {
        CountDownLatch began = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        List<Runnable> cancels = new CopyOnWriteArrayList<>();
        List<Response> responses = new CopyOnWriteArrayList<>();
        List<Thread> waiting = new ArrayList<>();
        try (ElmsService service = nano.open(Settings.usual())) {
            Binding app = service.bind(AppProfile.of("app").withQuota(1024));
            Request first = request("first", 5).withConstraint(() -> holding(began, over));
            Future<Response> running = callers.submit(() -> app.call(first, Listener.NONE));
            began.await();
            for (int i = 0; i < 200; i++) {
                waiting.add(Thread.ofPlatform().start(() -> responses.add(app.call(request("hello", 1), noting(cancels)))));
            }
            while (cancels.size() < waiting.size()) {
                Thread.onSpinWait();
            }
            for (Thread thread : waiting) {
                while (thread.getState() != Thread.State.WAITING) {
                    assertThat(thread.getState()).isNotEqualTo(Thread.State.TIMED_WAITING);
                    Thread.onSpinWait();
                }
            }
            List<Long> waits = waits(waiting);
            cancels.subList(0, 100).forEach(Runnable::run);
            assertThat(waits(waiting)).isEqualTo(waits);
            over.countDown();
            running.get();
            for (Thread thread : waiting) {
                thread.join();
            }
        }
        assertThat(responses).hasSize(200).filteredOn(response -> response.finishReason() == FinishReason.CANCELLED).hasSize(100);
    }

    private static List<Long> waits(List<Thread> threads) {
        long[] ids = threads.stream().mapToLong(Thread::threadId).toArray();
        return Arrays.stream(ManagementFactory.getThreadMXBean().getThreadInfo(ids)).map(ThreadInfo::getWaitedCount).toList();
    }

    private static Listener noting(List<Runnable> cancels) {
        return new Listener() {
            @Override
            public void begun(Runnable cancel) {
                cancels.add(cancel);
            }

            @Override
            public void text(String piece) {}
        };
    }

    /** Keeps the engine's thread. */
    private static Constraint holding(CountDownLatch began, CountDownLatch over) {
        return new Constraint() {
            @Override
            public void restrict(float[] logits) {
                began.countDown();
                try {
                    over.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }

            @Override
            public void accept(int token) {}
        };
    }

    @Test
    void aSlowReaderDelaysNobody() throws Exception {
        try (ElmsService service = nano.open(Settings.usual())) {
            Binding app = service.bind(AppProfile.of("app"));
            CountDownLatch began = new CountDownLatch(1);
            CountDownLatch over = new CountDownLatch(1);
            Future<Response> slow = callers.submit(() -> app.call(request("slow", 40), held(began, over)));
            began.await();
            String text = app.call(request("fast", 40), Listener.NONE).text();
            assertThat(slow.isDone()).isFalse();
            assertThat(text).isEqualTo(nano.plainText("fast", level(0), level(0), 40));
            over.countDown();
            assertThat(slow.get().text()).isEqualTo(nano.plainText("slow", level(0), level(0), 40));
        }
    }

    @Test
    void whoInterruptsFailsOrGivesUpEndsOnlyItsOwnRequest() throws Exception {
        try (ElmsService service = nano.open(Settings.usual())) {
            Binding app = service.bind(AppProfile.of("app"));
            Future<Response> other = callers.submit(() -> app.call(request("other", 300), Listener.NONE));
            Thread.currentThread().interrupt();
            assertThat(app.call(request("interrupted", LONG), Listener.NONE).finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(Thread.interrupted()).isTrue();
            Listener broken = text -> {
                throw new IllegalStateException("the reader is gone");
            };
            assertThatThrownBy(() -> app.call(request("broken", LONG), broken)).hasMessage("the reader is gone");
            Constraint refusing = new Constraint() {
                @Override
                public void restrict(float[] logits) {
                    throw new IllegalStateException("no such form");
                }

                @Override
                public void accept(int token) {}
            };
            assertThatThrownBy(() -> app.call(request("odd", LONG).withConstraint(() -> refusing), Listener.NONE))
                    .hasMessage("no such form");
            assertThat(other.get().text()).isEqualTo(nano.plainText("other", level(0), level(0), 300));
        }
    }

    @Test
    void aConstraintHoldsTheAnswer() {
        try (ElmsService service = nano.open(Settings.usual())) {
            Binding app = service.bind(AppProfile.of("app"));
            Constraint digits = new Constraint() {
                @Override
                public void restrict(float[] logits) {
                    for (int token = 0; token < logits.length; token++) {
                        logits[token] = token >= '0' && token <= '9' ? logits[token] : Float.NEGATIVE_INFINITY;
                    }
                }

                @Override
                public void accept(int token) {}
            };
            assertThat(app.call(request("count", 20).withConstraint(() -> digits), Listener.NONE).text()).matches("[0-9]{20}");
        }
    }

    @Test
    void whatHasStartedIsFinishedWhenTheServiceCloses() throws Exception {
        ElmsService service = nano.open(Settings.usual());
        Binding app = service.bind(AppProfile.of("app"));
        CountDownLatch began = new CountDownLatch(1);
        Future<Response> running = callers.submit(() -> app.call(request("last words", 200), held(began, new CountDownLatch(0))));
        began.await();
        service.close();
        assertThat(running.get().text()).isEqualTo(nano.plainText("last words", level(0), level(0), 200));
        assertThatThrownBy(() -> app.call(request("too late", 5), Listener.NONE)).isInstanceOfSatisfying(BusyException.class,
                busy -> assertThat(busy.reason()).isEqualTo(Reason.CLOSED));
        assertThatThrownBy(() -> service.bind(AppProfile.of("late"))).isInstanceOf(BusyException.class);
    }

    @Test
    void twoServicesRunSideBySide() {
        try (NanoService second = new NanoService(folder); ElmsService one = nano.open(Settings.usual());
                ElmsService other = second.open(Settings.usual())) {
            assertThat(one.bind(AppProfile.of("app")).call(request("hello", 20), Listener.NONE).text())
                    .isEqualTo(other.bind(AppProfile.of("app")).call(request("hello", 20), Listener.NONE).text());
        }
    }

    @Test
    void requestsAreCountedWithoutTheirText() {
        try (ElmsService service = nano.open(Settings.usual().withMeters(meters))) {
            Binding app = service.bind(AppProfile.of("app"));
            Slo missed = new Slo(Optional.of(new Limit.Time(1e-9)), Optional.empty());
            app.call(request("a secret", 5).withSlo(missed), Listener.NONE);
        }
        assertThat(meters.get("elms.slo.violation").tags("type", "ttft", "app", "app").counter().count()).isEqualTo(1);
        assertThat(meters.get("vllm:time_to_first_token").timer().count()).isEqualTo(1);
        assertThat(meters.getMetersAsString()).doesNotContain("secret");
    }

    @Test
    void anIdleServiceSaysThatNothingRuns() throws Exception {
        try (ElmsService service = nano.open(Settings.usual().withMeters(meters))) {
            service.bind(AppProfile.of("app")).call(request("a question that is worth keeping", 5), Listener.NONE);
            while (gauge("elms:prefix_cache_bytes") == 0 || gauge("vllm:num_requests_running") > 0) {
                Thread.sleep(1);
            }
            assertThat(gauge("vllm:num_requests_waiting")).isZero();
        }
        assertThat(meters.find("vllm:num_requests_waiting").gauge()).as("of a closed service, in the way of the next one's").isNull();
    }

    private double gauge(String name) {
        return meters.get(name).gauge().value();
    }

    private SubModel level(int index) {
        return nano.model().levels().get(index % nano.model().levels().size());
    }

    private Pin pin(int index) {
        return new Pin(level(index).share(), level(index / 3).share());
    }

    /** Stands still at the first piece of text until it may go on. */
    private static Listener held(CountDownLatch began, CountDownLatch over) {
        return text -> {
            began.countDown();
            try {
                over.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
    }

    static Request request(String prompt, int tokens) {
        return Request.of(List.of(Message.user(prompt)), tokens);
    }
}
