package elms.engine.model;

import elms.engine.ElmsException;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.Metadata;
import elms.engine.gguf.TensorReader;
import elms.engine.gguf.TensorType;
import elms.engine.gguf.Value;
import elms.kernels.Half;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Everything Elms knows about one base model: the order of its units, its levels and the screen of its output head. A file of
 * its own, bound to the base file; a GGUF container.
 *
 * @param baseSha256 hash of the base file, in hexadecimal
 * @param levels below the full one
 * @param directions of the {@link Screen}: rows of the model's width; none for no screen
 * @param provenance how it was made
 */
public record Pack(String baseSha256, Order order, List<Level> levels, float[][] directions, String provenance) {
    private static final String ARCHITECTURE = "elms-pack";
    private static final int VERSION = 1;
    private static final String DIRECTIONS = "elms.screen.directions";

    public Pack {
        levels = List.copyOf(levels);
    }

    public void write(Path path) throws IOException {
        Map<String, Value> metadata = new LinkedHashMap<>();
        metadata.put("general.architecture", Value.of(ARCHITECTURE));
        metadata.put("elms.pack.version", Value.uint32(VERSION));
        metadata.put("elms.pack.base_sha256", Value.of(baseSha256));
        metadata.put("elms.pack.provenance", Value.of(provenance));
        metadata.put("elms.order.heads", flat(Arrays.stream(order.heads())));
        metadata.put("elms.order.neurons", flat(Arrays.stream(order.neurons())));
        metadata.put("elms.levels.heads", flat(levels.stream().map(Level::heads)));
        metadata.put("elms.levels.neurons", flat(levels.stream().map(Level::neurons)));
        GgufWriter.write(path, metadata, directions.length == 0 ? List.of() : List.of(tensor()));
    }

    /**
     * Reads a pack for a base model.
     *
     * @throws ElmsException if it is damaged, of another version or for another base
     */
    public static Pack read(Path path, ModelConfig config, String baseSha256) {
        try (GgufFile file = GgufFile.open(path)) {
            Metadata metadata = file.metadata();
            if (!metadata.string("general.architecture").orElse("").equals(ARCHITECTURE)) {
                throw new ElmsException(path + " is no Elms pack");
            }
            int version = metadata.required("elms.pack.version", metadata.integer("elms.pack.version", 0, Integer.MAX_VALUE));
            if (version != VERSION) {
                throw new ElmsException(path + " is a pack of version " + version + ", but this program reads version " + VERSION);
            }
            String base = metadata.required("elms.pack.base_sha256", metadata.string("elms.pack.base_sha256"));
            if (!base.equals(baseSha256)) {
                throw new ElmsException(path + " was made for another base model, with SHA-256 " + base);
            }
            return read(path, file, config, base);
        }
    }

    private static Pack read(Path path, GgufFile file, ModelConfig config, String base) {
        Metadata metadata = file.metadata();
        List<int[]> headOrder = rows(path, metadata, "elms.order.heads", config.heads());
        List<int[]> neuronOrder = rows(path, metadata, "elms.order.neurons", config.neurons());
        Order order = new Order(headOrder.toArray(int[][]::new), neuronOrder.toArray(int[][]::new));
        order.check(config);
        List<int[]> heads = rows(path, metadata, "elms.levels.heads", config.layers());
        List<int[]> neurons = rows(path, metadata, "elms.levels.neurons", config.layers());
        if (heads.size() != neurons.size()) {
            throw new ElmsException(path + " has " + heads.size() + " levels by heads, but " + neurons.size() + " by neurons");
        }
        List<Level> levels = new ArrayList<>();
        for (int i = 0; i < heads.size(); i++) {
            Level level = new Level(heads.get(i), neurons.get(i));
            level.check(config);
            levels.add(level);
        }
        return new Pack(base, order, levels, directions(path, file, config.width()),
                metadata.string("elms.pack.provenance").orElse(""));
    }

    private GgufWriter.Tensor tensor() {
        return new GgufWriter.Tensor(DIRECTIONS, TensorType.F16, List.of((long) directions[0].length, (long) directions.length), () -> {
            ByteBuffer bytes = ByteBuffer.allocate(2 * directions.length * directions[0].length).order(ByteOrder.LITTLE_ENDIAN);
            ShortBuffer halves = bytes.asShortBuffer();
            for (float[] row : directions) {
                for (float value : row) {
                    halves.put(Half.fromFloat(value));
                }
            }
            return bytes;
        });
    }

    private static float[][] directions(Path path, GgufFile file, int width) {
        return file.find(DIRECTIONS).map(tensor -> {
            if (tensor.columns() != width) {
                throw new ElmsException(path + " has directions of " + tensor.columns() + " numbers, but the model's width is " + width);
            }
            TensorReader reader = new TensorReader(file, tensor);
            float[][] rows = new float[Math.toIntExact(tensor.rows())][width];
            for (int row = 0; row < rows.length; row++) {
                reader.readRow(row, rows[row], 0);
            }
            return rows;
        }).orElse(new float[0][]);
    }

    private static Value flat(Stream<int[]> rows) {
        return Value.uint16(rows.flatMapToLong(row -> Arrays.stream(row).asLongStream()).toArray());
    }

    private static List<int[]> rows(Path path, Metadata metadata, String key, int length) {
        long[] flat = metadata.required(key, metadata.integers(key));
        if (flat.length % length != 0) {
            throw new ElmsException(path + " has " + flat.length + " numbers for '" + key + "', which is no multiple of " + length);
        }
        List<int[]> rows = new ArrayList<>();
        for (int from = 0; from < flat.length; from += length) {
            rows.add(Arrays.stream(flat, from, from + length).mapToInt(Math::toIntExact).toArray());
        }
        return rows;
    }
}
