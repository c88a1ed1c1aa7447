package elms.server;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.ElasticModel;
import elms.engine.NanoModel;
import elms.engine.model.Level;
import elms.engine.model.Order;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.jdk.VectorKernels;
import elms.planner.LatencyModel;
import elms.planner.RequestOverhead;
import elms.planner.Settling;
import elms.server.store.StoredModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoneRequestsTest {
    private static final int REQUESTS = 6;

    @TempDir
    private Path folder;

    @Test
    void whatRequestsTakeBesideTheWorkIsTheirOverhead() {
        RequestOverhead overhead = overhead(new LatencyModel(new double[] {1e-6, 0, 0, 0, 0}, new double[] {1e-6, 0, 0, 0}, 1, 1,
                Settling.NONE));
        assertThat(overhead.ttftMillis()).isBetween(0.05, 5_000.0);
        assertThat(overhead.tpotFactor()).isGreaterThan(100);
    }

    @Test
    void requestsThatTakeLessThanTheWorkHaveNone() {
        assertThat(overhead(new LatencyModel(new double[] {1e6, 0, 0, 0, 0}, new double[] {1e6, 0, 0, 0}, 1, 1, Settling.NONE)))
                .isEqualTo(RequestOverhead.NONE);
    }

    private RequestOverhead overhead(LatencyModel latency) {
        StoredModel stored = new StoredModel("nano", NanoModel.CHAT.write(folder), "0".repeat(64), folder);
        List<Double> progress = new ArrayList<>();
        try (BaseModel base = BaseModel.open(stored); Kernels kernels = new VectorKernels(1)) {
            Order order = Order.identity(base.config());
            Weights weights = Weights.of(base.config(), order, new WeightPacker(base.file(), base.config(), order, Precision.PACKED));
            ElasticModel model = new ElasticModel(stored.name(), weights, List.of(SubModel.of(weights, Level.full(base.config()))),
                    base.tokenizer(), base.template());
            RequestOverhead overhead = new LoneRequests(model, kernels, latency).overhead(REQUESTS, progress::add);
            assertThat(progress).isSorted().endsWith(1.0);
            return overhead;
        }
    }
}
