package elms.server;

import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.engine.decode.Transformer;
import elms.eval.CodeWarmUp;
import elms.kernels.Kernels;
import elms.planner.LatencyModel;
import elms.planner.Profiler;
import elms.planner.RequestOverhead;
import elms.planner.Settling;
import elms.server.store.StoredModel;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.Properties;
import java.util.function.DoubleConsumer;
import java.util.stream.Collectors;

/** Keeps the latency model of each machine, provider and model. */
public final class Profiles {
    /** What the prices are of, and the kernels' way to get there: where either changes, prices are measured anew. */
    private static final String FORM = "bytes of a decode step, levels with adapters, a price of each pass, a long prompt after a first"
            + " one, a token's weights and keys in one line of addresses and its sums in registers, weights fetched to L2,"
            + " first steps apart, compiled code, what requests take beside it";
    /** For code to be compiled. */
    private static final Duration WARM_UP = Duration.ofSeconds(15);
    /** Share of the whole time that the model's own work is measured for. */
    private static final double WORK_PART = 0.6;
    private static final int LONE_REQUESTS = 24;

    private final Path file;
    private final ElasticModel model;
    private final Kernels kernels;

    public Profiles(StoredModel stored, ElasticModel model, Kernels kernels) {
        this.model = model;
        this.kernels = kernels;
        String key = FORM + ", " + Machine.processor() + ", " + kernels.description();
        file = stored.folder().resolve("latency-" + Integer.toHexString(key.hashCode()) + ".properties");
    }

    /** The kept latency model, or a new measurement. */
    public LatencyModel get(DoubleConsumer progress) {
        return read().orElseGet(() -> measure(progress));
    }

    /** Measures for some seconds what compiled code takes, then what requests take, and keeps the result. */
    public LatencyModel measure(DoubleConsumer progress) {
        Profiler profiler = new Profiler(new Transformer(model.weights(), kernels), done -> progress.accept(WORK_PART * done));
        CodeWarmUp.run(() -> profiler.warmUp(model.levels()), WARM_UP);
        LatencyModel work = profiler.measure(model.levels());
        LatencyModel latency = work.with(new LoneRequests(model, kernels, work)
                .overhead(LONE_REQUESTS, done -> progress.accept(WORK_PART + (1 - WORK_PART) * done)));
        try {
            write(latency);
        } catch (IOException e) {
            throw new ElmsException("the latency profile cannot be kept in " + file + ": " + e.getMessage(), e);
        }
        return latency;
    }

    private Optional<LatencyModel> read() {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
            return Optional.of(new LatencyModel(numbers(properties, "prefill"), numbers(properties, "decode"),
                    numbers(properties, "prefill_margin")[0], numbers(properties, "decode_margin")[0], new Settling(
                    numbers(properties, "settling_share"), numbers(properties, "unsettled"), numbers(properties, "settling_decay")),
                    new RequestOverhead(numbers(properties, "request_ttft")[0], numbers(properties, "request_tpot_factor")[0])));
        } catch (IOException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private void write(LatencyModel latency) throws IOException {
        Properties properties = new Properties();
        put(properties, "prefill", latency.prefill());
        put(properties, "decode", latency.decode());
        put(properties, "prefill_margin", latency.prefillMargin());
        put(properties, "decode_margin", latency.decodeMargin());
        put(properties, "settling_share", latency.settling().share());
        put(properties, "unsettled", latency.settling().unsettled());
        put(properties, "settling_decay", latency.settling().decay());
        put(properties, "request_ttft", latency.overhead().ttftMillis());
        put(properties, "request_tpot_factor", latency.overhead().tpotFactor());
        try (Writer writer = Files.newBufferedWriter(file)) {
            properties.store(writer, "what Elms measured on this machine, see elms.planner.LatencyModel");
        }
    }

    private static double[] numbers(Properties properties, String key) {
        return Arrays.stream(properties.getProperty(key, "").split(",")).mapToDouble(Double::parseDouble).toArray();
    }

    private static void put(Properties properties, String key, double... numbers) {
        properties.setProperty(key, Arrays.stream(numbers).mapToObj(String::valueOf).collect(Collectors.joining(",")));
    }
}
