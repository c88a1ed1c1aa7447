package elms.server;

import elms.engine.ElasticModel;
import elms.engine.text.Message;
import elms.kernels.Kernels;
import elms.planner.Latency;
import elms.planner.LatencyModel;
import elms.planner.RequestOverhead;
import elms.service.AppProfile;
import elms.service.Binding;
import elms.service.ElmsService;
import elms.service.Listener;
import elms.service.Pin;
import elms.service.Request;
import elms.service.Response;
import elms.service.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.DoubleConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Measures what single requests to an idle, warmed service take, one now and then, beside the full model's own work. */
final class LoneRequests {
    /** First ones, not counted. */
    private static final int WARM_UP = 6;
    private static final long REST_NANOS = 100_000_000;
    /** Sentences of a prompt: some 30 to 300 tokens. */
    private static final int[] SENTENCES = {2, 8, 24};
    private static final int ANSWER_TOKENS = 16;

    private final ElasticModel model;
    private final Kernels kernels;
    private final LatencyModel latency;

    LoneRequests(ElasticModel model, Kernels kernels, LatencyModel latency) {
        this.model = model;
        this.kernels = kernels;
        this.latency = latency;
    }

    /**
     * Measures what is usual, and takes it to vary as the work does: of so few requests no 95th percentile can be told.
     *
     * @param requests that are counted
     * @param progress told the share of the work that is done, from 0 to 1
     */
    RequestOverhead overhead(int requests, DoubleConsumer progress) {
        List<Double> added = new ArrayList<>();
        List<Double> factors = new ArrayList<>();
        Settings uncached = Settings.usual().withCacheBytes(0);
        try (ElmsService service = ElmsService.open(model, kernels, latency, uncached);
                Binding app = service.bind(AppProfile.of("elms-profile"))) {
            for (int i = -WARM_UP; i < requests; i++) {
                LockSupport.parkNanos(REST_NANOS);
                Response response = app.call(request(i), Listener.NONE);
                if (i >= 0) {
                    int prompt = response.promptTokens();
                    int answer = response.completionTokens();
                    Latency measured = response.measured();
                    double prefill = latency.prefillMillis(model.full(), prompt) / latency.prefillMargin();
                    double tpot = latency.tpotMillis(model.full(), prompt, answer) / latency.decodeMargin();
                    measured.ttftMillis().ifPresent(millis -> added.add(millis - prefill));
                    measured.tpotMillis().ifPresent(millis -> factors.add(millis / tpot));
                }
                progress.accept((i + 1.0 + WARM_UP) / (requests + WARM_UP));
            }
        }
        return new RequestOverhead(latency.prefillMargin() * Math.max(0, median(added)), Math.max(1, median(factors)));
    }

    /** A text that none of the others begins like. */
    private static Request request(int index) {
        String text = IntStream.range(0, SENTENCES[Math.floorMod(index, SENTENCES.length)])
                .mapToObj(i -> "Of letter " + index + ", line " + i + " says what was sent, and when it came.")
                .collect(Collectors.joining(" "));
        return Request.of(List.of(Message.user(text)), ANSWER_TOKENS).withPin(Optional.of(Pin.of(1)));
    }

    private static double median(List<Double> numbers) {
        return numbers.stream().sorted().skip(numbers.size() / 2).findFirst().orElse(0.0);
    }
}
