package elms.server.http;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.distribution.DistributionStatisticConfig;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.stream.DoubleStream;

/** What the service counts, for Prometheus: {@code /metrics}. */
final class MetricsRoutes implements HttpService {
    private static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";
    private static final double[] BUCKET_SECONDS = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30};

    private final PrometheusMeterRegistry meters;

    MetricsRoutes(PrometheusMeterRegistry meters) {
        this.meters = meters;
    }

    /** A registry whose timers have buckets, as vLLM's dashboards expect. */
    static PrometheusMeterRegistry registry() {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        registry.config().meterFilter(new MeterFilter() {
            @Override
            public DistributionStatisticConfig configure(Meter.Id id, DistributionStatisticConfig config) {
                return id.getType() == Meter.Type.TIMER ? DistributionStatisticConfig.builder()
                        .serviceLevelObjectives(DoubleStream.of(BUCKET_SECONDS).map(seconds -> 1e9 * seconds).toArray())
                        .build().merge(config) : config;
            }
        });
        return registry;
    }

    @Override
    public void routing(HttpRules rules) {
        rules.get("/metrics", (request, response) -> response.header(HeaderNames.CONTENT_TYPE, CONTENT_TYPE)
                .send(meters.scrape()));
    }
}
