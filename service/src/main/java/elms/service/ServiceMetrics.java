package elms.service;

import elms.service.BusyException.Reason;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Counts what the service does, under vLLM's names where it has one, its label of the model's name among them: services of
 * different models can share a registry. No meter holds text of a request.
 */
final class ServiceMetrics {
    private static final double MILLIS = 1e-3;
    private static final String SECONDS = "seconds";
    private static final String APP = "app";

    private final MeterRegistry meters;
    private final Tags model;
    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicLong cacheBytes = new AtomicLong();
    private final List<Gauge> gauges;
    private final Counter cacheQueries;
    private final Counter cacheHits;

    ServiceMetrics(MeterRegistry meters, String model, long mostCacheBytes) {
        this.meters = meters;
        this.model = Tags.of("model_name", model);
        gauges = List.of(gauge("vllm:num_requests_waiting", waiting::get), gauge("vllm:num_requests_running", running::get),
                gauge("elms:prefix_cache_bytes", cacheBytes::get),
                gauge("vllm:kv_cache_usage_perc", () -> (double) cacheBytes.get() / Math.max(1, mostCacheBytes)));
        cacheQueries = counter("vllm:prefix_cache_queries");
        cacheHits = counter("vllm:prefix_cache_hits");
    }

    private Gauge gauge(String name, Supplier<Number> value) {
        return Gauge.builder(name, value).tags(model).register(meters);
    }

    private Counter counter(String name, String... tags) {
        return meters.counter(name, model.and(tags));
    }

    /** Makes room for the gauges of a service that counts in the same registry after this one. */
    void close() {
        gauges.forEach(meters::remove);
    }

    void state(int nowWaiting, int nowRunning, long nowCached) {
        waiting.set(nowWaiting);
        running.set(nowRunning);
        cacheBytes.set(nowCached);
    }

    void refused(AppProfile app, Reason reason) {
        refused(app, reason.name().toLowerCase(Locale.ROOT));
    }

    void infeasible(AppProfile app) {
        refused(app, "infeasible");
    }

    private void refused(AppProfile app, String reason) {
        counter("elms.requests.refused", APP, app.name(), "reason", reason).increment();
    }

    void answered(AppProfile app, Response response) {
        cacheQueries.increment(response.plan().promptTokens());
        cacheHits.increment(response.cachedTokens());
        counter("vllm:prompt_tokens", APP, app.name()).increment(response.plan().promptTokens());
        counter("vllm:generation_tokens", APP, app.name()).increment(response.completionTokens());
        counter("vllm:request_success", APP, app.name(), "finished_reason",
                response.finishReason().name().toLowerCase(Locale.ROOT)).increment();
        String level = String.format(Locale.ROOT, "%.2f", response.plan().decode().share());
        counter("elms.level.selected", "level", level).increment();
        timer("vllm:request_queue_time", app).record(duration(response.queueMillis()));
        OptionalDouble ttft = response.measured().ttftMillis();
        OptionalDouble tpot = response.measured().tpotMillis();
        if (ttft.isPresent()) {
            timer("vllm:time_to_first_token", app).record(duration(ttft.getAsDouble()));
            response.plan().predicted().ttftMillis().ifPresent(predicted -> predictionError()
                    .record(MILLIS * Math.abs(ttft.getAsDouble() - predicted)));
            violation(app, "ttft", ttft, response.plan().slo().ttftMillis());
        }
        if (tpot.isPresent()) {
            timer("vllm:request_time_per_output_token", app).record(duration(tpot.getAsDouble()));
            violation(app, "tpot", tpot, response.plan().slo().tpotMillis());
        }
    }

    private DistributionSummary predictionError() {
        return DistributionSummary.builder("elms.ttft.prediction.error").baseUnit(SECONDS).tags(model).register(meters);
    }

    private void violation(AppProfile app, String type, OptionalDouble measured, OptionalDouble limit) {
        Counter counter = counter("elms.slo.violation", "type", type, APP, app.name());
        if (limit.isPresent() && measured.getAsDouble() > limit.getAsDouble()) {
            counter.increment();
        }
    }

    private Timer timer(String name, AppProfile app) {
        return meters.timer(name, model.and(APP, app.name()));
    }

    private static Duration duration(double millis) {
        return Duration.ofNanos((long) (1e6 * millis));
    }
}
