package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.gguf.GgufFile;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The real weights and their reference values. Tests that need the weights are skipped where {@code elms.smollm2} names none. */
final class SmolLm2 {
    private static final ObjectMapper JSON = new ObjectMapper();

    private SmolLm2() {}

    static GgufFile open() {
        String path = System.getProperty("elms.smollm2", "");
        assumeTrue(!path.isEmpty(), "no weights: run ./elms test, or give -Delms.smollm2=FILE");
        return GgufFile.open(Path.of(path));
    }

    static Weights weights(GgufFile file, Order order, Precision precision) {
        ModelConfig config = ModelConfig.of(file);
        return Weights.of(config, order, new WeightPacker(file, config, order, precision));
    }

    /** Lines of a reference file made with PyTorch in float32. */
    static List<JsonNode> golden(String name) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                SmolLm2.class.getResourceAsStream("golden/" + name), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.add(JSON.readTree(line));
            }
        }
        return lines;
    }

    static JsonNode goldenSummary() throws IOException {
        return JSON.readTree(SmolLm2.class.getResource("golden/smollm2.json"));
    }

    static int[] ints(JsonNode node) {
        return JSON.convertValue(node, int[].class);
    }

    static double[] doubles(JsonNode node) {
        return JSON.convertValue(node, double[].class);
    }

    /** A file of the data set folder, which is no part of the project; the test is skipped without it. */
    static Path data(String name) {
        Path path = Path.of(System.getProperty("elms.data", "../../shared/data")).resolve(name);
        assumeTrue(Files.exists(path), "no data: give -Delms.data=FOLDER that holds " + name);
        assertThat(path).isReadable();
        return path;
    }
}
