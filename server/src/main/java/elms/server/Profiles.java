package elms.server;

import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.engine.decode.Transformer;
import elms.kernels.Kernels;
import elms.planner.LatencyModel;
import elms.planner.Profiler;
import elms.planner.Settling;
import elms.server.store.StoredModel;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
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
            + " first steps apart";

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

    /** Measures some seconds and keeps the result. */
    public LatencyModel measure(DoubleConsumer progress) {
        LatencyModel latency = new Profiler(new Transformer(model.weights(), kernels), progress).measure(model.levels());
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
                    numbers(properties, "settling_share"), numbers(properties, "unsettled"), numbers(properties, "settling_decay"))));
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
