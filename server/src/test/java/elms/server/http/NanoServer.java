package elms.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.ElasticModel;
import elms.engine.NanoModel;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.jdk.VectorKernels;
import elms.planner.LatencyModel;
import elms.planner.Settling;
import elms.server.BaseModel;
import elms.server.store.StoredModel;
import elms.service.ElmsService;
import elms.service.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/** A server with a small random model, whose answers are noise, the same at every run, and whose latencies are made up. */
final class NanoServer implements AutoCloseable {
    static final String MODEL = "nano";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpServer server;

    /** A reply. */
    record Reply(int status, HttpResponse<String> response) {
        JsonNode json() {
            try {
                return JSON.readTree(response.body());
            } catch (IOException e) {
                throw new AssertionError(response.body(), e);
            }
        }

        String body() {
            return response.body();
        }

        /** The documents of a stream of events, without the last line. */
        List<JsonNode> events() {
            return body().lines().filter(line -> line.startsWith("data: {")).map(line -> {
                try {
                    return JSON.readTree(line.substring("data: ".length()));
                } catch (IOException e) {
                    throw new AssertionError(line, e);
                }
            }).toList();
        }

        String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }
    }

    private NanoServer(HttpServer server) {
        this.server = server;
    }

    static NanoServer start(Path folder, ServerSettings settings) {
        return start(folder, settings, kernels -> kernels);
    }

    /**
     * Starts a server and waits for its model.
     *
     * @param change of the kernels
     */
    static NanoServer start(Path folder, ServerSettings settings, UnaryOperator<Kernels> change) {
        HttpServer server = HttpServer.start(settings, MODEL, meters -> load(folder, change, meters));
        server.loaded();
        return new NanoServer(server);
    }

    static LoadedModel load(Path folder, UnaryOperator<Kernels> change, MeterRegistry meters) {
        StoredModel stored = new StoredModel(MODEL, NanoModel.CHAT.write(folder), "0".repeat(64), folder);
        try (BaseModel base = BaseModel.open(stored)) {
            GgufFile file = base.file();
            ModelConfig config = base.config();
            Weights weights = Weights.of(config, Order.identity(config),
                    new WeightPacker(file, config, Order.identity(config), Precision.PACKED));
            Level small = Level.full(config);
            Arrays.fill(small.neurons(), 32);
            List<SubModel> levels = List.of(SubModel.of(weights, Level.full(config)), SubModel.of(weights, small));
            ElasticModel model = new ElasticModel(MODEL, weights, levels, base.tokenizer(), base.template());
            // So slow that what this model really takes does not count, and plans are the same on every machine.
            LatencyModel latency = new LatencyModel(new double[] {0, 0, 2000, 0, 0}, new double[] {0, 2000, 0, 0}, 1, 1, Settling.NONE);
            Kernels kernels = change.apply(new VectorKernels(1));
            return new LoadedModel(ElmsService.open(model, kernels, latency, Settings.usual().withMeters(meters)),
                    ModelFacts.of(stored), kernels::close);
        }
    }

    HttpServer server() {
        return server;
    }

    String address() {
        return "http://127.0.0.1:" + server.port();
    }

    Reply get(String path, String... headers) throws Exception {
        return send(request(path, headers).GET().build());
    }

    Reply post(String path, String body, String... headers) throws Exception {
        return send(request(path, headers).header("Content-Type", "application/json").POST(BodyPublishers.ofString(body))
                .build());
    }

    Reply put(String path, String body, String... headers) throws Exception {
        return send(request(path, headers).PUT(BodyPublishers.ofString(body)).build());
    }

    Reply delete(String path, String... headers) throws Exception {
        return send(request(path, headers).DELETE().build());
    }

    private HttpRequest.Builder request(String path, String... headers) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(address() + path));
        return headers.length == 0 ? builder : builder.headers(headers);
    }

    /** On a connection of its own: the server's limits may close a kept one just as it is used again. */
    private Reply send(HttpRequest request) throws Exception {
        HttpResponse<String> response;
        try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            response = client.send(request, BodyHandlers.ofString());
        }
        return new Reply(response.statusCode(), response);
    }

    @Override
    public void close() {
        server.close();
    }
}
