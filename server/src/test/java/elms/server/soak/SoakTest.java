package elms.server.soak;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.ElasticModel;
import elms.engine.NanoModel;
import elms.engine.text.Message;
import elms.kernels.Kernels;
import elms.kernels.jdk.VectorKernels;
import elms.planner.LatencyModel;
import elms.planner.Settling;
import elms.server.BaseModel;
import elms.server.ModelLoader;
import elms.server.http.HttpServer;
import elms.server.http.LoadedModel;
import elms.server.http.ModelFacts;
import elms.server.http.ServerSettings;
import elms.server.soak.Report.Mark;
import elms.server.store.StoredModel;
import elms.service.ElmsService;
import elms.service.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Some seconds of a soak of a small random model, whose latencies are made up. Too short to judge memory. */
@Timeout(300)
class SoakTest {
    private static final int MARKS = 4;
    private static final LatencyModel LATENCY =
            new LatencyModel(new double[] {0, 0, 100, 0, 0}, new double[] {0, 100, 0, 0}, 1, 1, Settling.NONE);

    @TempDir
    Path folder;

    @Test
    void everyClientGetsItsOwnAnswerAndNothingIsLeftBehind() {
        List<Mark> told = new ArrayList<>();
        Report report = soak(told, model -> model);
        assertThat(report.faults()).isEmpty();
        assertThat(report.stuck()).isZero();
        assertThat(report.pagesLeft()).isZero();
        assertThat(report.outcomes()).containsEntry(Outcome.WRONG, 0L).containsEntry(Outcome.FAILED, 0L);
        assertThat(report.outcomes().get(Outcome.RIGHT)).isPositive();
        assertThat(report.marks()).isEqualTo(told).hasSize(MARKS).allSatisfy(mark -> {
            assertThat(mark.heapMb()).isPositive();
            assertThat(mark.pagesMb()).isPositive();
        });
        assertThat(report.marks().getLast().outcomes()).isEqualTo(report.outcomes());
    }

    @Test
    void everyVisitEndsAsItMust() throws Exception {
        try (Kernels kernels = new VectorKernels(2); BaseModel base = BaseModel.open(stored())) {
            ElasticModel model = model(kernels, base);
            List<KnownChat> chats = PlainAnswers.of(model, kernels, 1);
            try (HttpServer server = HttpServer.start(ServerSettings.local(), "nano", meters -> served(model, kernels, meters));
                    HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
                server.loaded();
                Visitor visitor = new Visitor(URI.create("http://127.0.0.1:" + server.port()), http, chats, model.config().context(),
                        new Random(1), "visitor");
                for (Visit visit : Visit.values()) {
                    assertThat(visitor.visit(visit)).as(visit.name()).isIn((Object[]) switch (visit) {
                        case WHOLE, STREAM, SLOW, CROWD, BIND -> new Outcome[] {Outcome.RIGHT};
                        case LEAVE, VANISH -> new Outcome[] {Outcome.GONE, Outcome.RIGHT};
                        case HURRY -> new Outcome[] {Outcome.IN_TIME, Outcome.LATE};
                        case STRICT, LONG, HUGE -> new Outcome[] {Outcome.REFUSED};
                    });
                }
            }
        }
    }

    @Test
    void answersToOtherPromptsAreFound() {
        Report report = soak(new ArrayList<>(), SoakTest::whoHearsMore);
        assertThat(report.outcomes().get(Outcome.WRONG)).isPositive();
        assertThat(report.faults()).anySatisfy(fault -> assertThat(fault).contains("was answered instead of"));
        assertThat(report.passed()).isFalse();
    }

    private static ElasticModel whoHearsMore(ElasticModel model) {
        return new ElasticModel(model.name(), model.weights(), model.levels(), model.tokenizer(), messages -> model.template()
                .render(Stream.concat(Stream.of(Message.user("and more")), messages.stream()).toList()));
    }

    /**
     * @param served what is served instead of the model
     */
    private Report soak(List<Mark> told, UnaryOperator<ElasticModel> served) {
        try (Kernels kernels = new VectorKernels(2); BaseModel base = BaseModel.open(stored())) {
            ElasticModel model = model(kernels, base);
            return new Soak(model, kernels, meters -> served(served.apply(model), kernels, meters), told::add)
                    .run(MARKS, Duration.ofSeconds(1));
        }
    }

    private StoredModel stored() {
        return new StoredModel("nano", NanoModel.CHAT.write(folder), "0".repeat(64), folder);
    }

    private static ElasticModel model(Kernels kernels, BaseModel base) {
        return new ModelLoader(kernels, (step, share) -> {}).load(base).model();
    }

    private LoadedModel served(ElasticModel model, Kernels kernels, MeterRegistry meters) {
        return new LoadedModel(ElmsService.open(model, kernels, LATENCY, Settings.usual().withMeters(meters)),
                ModelFacts.of(stored()), () -> {});
    }
}
