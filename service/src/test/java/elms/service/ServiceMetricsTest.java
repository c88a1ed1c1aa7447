package elms.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

class ServiceMetricsTest {
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    @Test
    void servicesOfTwoModelsShareARegistry() {
        ServiceMetrics one = new ServiceMetrics(meters, "one", 100);
        ServiceMetrics two = new ServiceMetrics(meters, "two", 100);
        one.state(1, 2, 30);
        two.state(3, 4, 50);
        assertThat(gauge("vllm:num_requests_waiting", "one")).isEqualTo(1);
        assertThat(gauge("vllm:num_requests_waiting", "two")).isEqualTo(3);
        one.close();
        assertThat(gauge("vllm:kv_cache_usage_perc", "two")).isEqualTo(0.5);
        assertThat(meters.find("vllm:num_requests_running").tag("model_name", "one").gauge()).isNull();
    }

    private double gauge(String name, String model) {
        return meters.get(name).tag("model_name", model).gauge().value();
    }
}
