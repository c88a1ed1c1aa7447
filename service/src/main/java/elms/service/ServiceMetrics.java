package elms.service;

import elms.service.BusyException.Reason;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Counts what the service does, under vLLM's names where it has one. No meter holds text of a request. */
final class ServiceMetrics {
    private static final double MILLIS = 1e-3;
    private static final String SECONDS = "seconds";
    private static final String APP = "app";

    private final MeterRegistry meters;
    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicLong cacheBytes = new AtomicLong();
    private final List<Gauge> gauges;
    private final Counter cacheQueries;
    private final Counter cacheHits;

    ServiceMetrics(MeterRegistry meters, long mostCacheBytes) {
        this.meters = meters;
        gauges = List.of(Gauge.builder("vllm:num_requests_waiting", waiting, AtomicInteger::get).register(meters),
                Gauge.builder("vllm:num_requests_running", running, AtomicInteger::get).register(meters),
                Gauge.builder("elms:prefix_cache_bytes", cacheBytes, AtomicLong::get).register(meters),
                Gauge.builder("vllm:kv_cache_usage_perc", cacheBytes, bytes -> (double) bytes.get() / Math.max(1, mostCacheBytes))
                        .register(meters));
        cacheQueries = meters.counter("vllm:prefix_cache_queries");
        cacheHits = meters.counter("vllm:prefix_cache_hits");
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
        meters.counter("elms.requests.refused", APP, app.name(), "reason", reason).increment();
    }

    void answered(AppProfile app, Response response) {
        cacheQueries.increment(response.plan().promptTokens());
        cacheHits.increment(response.cachedTokens());
        meters.counter("vllm:prompt_tokens", APP, app.name()).increment(response.plan().promptTokens());
        meters.counter("vllm:generation_tokens", APP, app.name()).increment(response.completionTokens());
        meters.counter("vllm:request_success", APP, app.name(), "finished_reason",
                response.finishReason().name().toLowerCase(Locale.ROOT)).increment();
        String level = String.format(Locale.ROOT, "%.2f", response.plan().decode().share());
        meters.counter("elms.level.selected", "level", level).increment();
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
        return DistributionSummary.builder("elms.ttft.prediction.error").baseUnit(SECONDS).register(meters);
    }

    private void violation(AppProfile app, String type, OptionalDouble measured, OptionalDouble limit) {
        Counter counter = meters.counter("elms.slo.violation", "type", type, APP, app.name());
        if (limit.isPresent() && measured.getAsDouble() > limit.getAsDouble()) {
            counter.increment();
        }
    }

    private Timer timer(String name, AppProfile app) {
        return meters.timer(name, APP, app.name());
    }

    private static Duration duration(double millis) {
        return Duration.ofNanos((long) (1e6 * millis));
    }
}
