package elms.engine.model;

import elms.engine.ElmsException;
import elms.engine.gguf.FloatRows;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.Metadata;
import elms.engine.gguf.TensorType;
import elms.engine.gguf.Value;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Everything Elms knows about one base model: the order of its units, its levels, what recovers them, and the screen of its
 * output head. A file of its own, bound to the base file; a GGUF container.
 *
 * @param baseSha256 hash of the base file, in hexadecimal
 * @param levels below the full one
 * @param directions of the {@link Screen}: rows of the model's width; none for no screen
 * @param adapters of the levels that are tuned; absent if none is
 * @param provenance how it was made
 * @param planner what chooses between the levels, as its own module reads it
 */
public record Pack(String baseSha256, Order order, List<Level> levels, float[][] directions, Optional<Adapters> adapters,
        String provenance, Attachment planner) {
    private static final String ARCHITECTURE = "elms-pack";
    private static final int VERSION = 2;
    private static final String RANKS = "elms.levels.rank";
    /** Name of the tensor of the directions. */
    public static final String DIRECTIONS = "elms.screen.directions";

    private static final String PLANNER_VALUES = "elms.planner.";
    private static final String PLANNER_TENSORS = "planner.";

    /** What a pack carries for others: values of its header, and tensors. */
    public record Attachment(Map<String, Value> metadata, List<GgufWriter.Tensor> tensors) {
        /** Nothing. */
        public static final Attachment NONE = new Attachment(Map.of(), List.of());

        /** What the names of a file's values and tensors tell to be the planner's. */
        private static Attachment planner(GgufFile file) {
            Map<String, Value> metadata = new LinkedHashMap<>(file.metadata().values());
            metadata.keySet().removeIf(key -> !key.startsWith(PLANNER_VALUES));
            return new Attachment(metadata, file.tensors().values().stream().filter(info -> info.name().startsWith(PLANNER_TENSORS))
                    .map(info -> {
                        ByteBuffer bytes = file.map(info);
                        return new GgufWriter.Tensor(info.name(), info.type(), info.shape(), bytes::duplicate);
                    }).toList());
        }
    }

    public Pack {
        levels = List.copyOf(levels);
    }

    /** A pack without a planner. */
    public Pack(String baseSha256, Order order, List<Level> levels, float[][] directions, Optional<Adapters> adapters,
            String provenance) {
        this(baseSha256, order, levels, directions, adapters, provenance, Attachment.NONE);
    }

    /** The same pack with another planner, and what is to be said of it. */
    public Pack with(Attachment other, String said) {
        return new Pack(baseSha256, order, levels, directions, adapters, said, other);
    }

    public void write(Path path) throws IOException {
        GgufWriter.write(path, metadata(), tensors(TensorType.Q8_0, TensorType.F16));
    }

    /** What its file says in its header. */
    public Map<String, Value> metadata() {
        Map<String, Value> metadata = new LinkedHashMap<>();
        metadata.put("general.architecture", Value.of(ARCHITECTURE));
        metadata.put("elms.pack.version", Value.uint32(VERSION));
        metadata.put("elms.pack.base_sha256", Value.of(baseSha256));
        metadata.put("elms.pack.provenance", Value.of(provenance));
        metadata.put("elms.order.heads", flat(Arrays.stream(order.heads())));
        metadata.put("elms.order.neurons", flat(Arrays.stream(order.neurons())));
        metadata.put("elms.levels.heads", flat(levels.stream().map(Level::heads)));
        metadata.put("elms.levels.neurons", flat(levels.stream().map(Level::neurons)));
        metadata.put(RANKS, Value.uint16(levels.stream().mapToLong(Level::rank).toArray()));
        metadata.putAll(planner.metadata());
        return metadata;
    }

    /**
     * What its file holds.
     *
     * @param adapterType of the adapters
     * @param otherType of all else
     */
    public List<GgufWriter.Tensor> tensors(TensorType adapterType, TensorType otherType) {
        List<GgufWriter.Tensor> tensors = new ArrayList<>();
        if (directions.length > 0) {
            tensors.add(FloatRows.tensor(DIRECTIONS, otherType, directions));
        }
        adapters.ifPresent(known -> tensors.addAll(known.tensors(adapterType)));
        for (int i = 0; i < levels.size(); i++) {
            int index = i;
            levels.get(i).tuning().ifPresent(tuning -> tensors.addAll(tuning.tensors(index, otherType)));
        }
        tensors.addAll(planner.tensors());
        return tensors;
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
                throw new ElmsException(path + " is a pack of version " + version + ", but this program reads version " + VERSION
                        + "; delete it, or make it anew with elms elasticize");
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
        long[] ranks = metadata.required(RANKS, metadata.integers(RANKS));
        if (ranks.length != heads.size()) {
            throw new ElmsException(path + " has " + heads.size() + " levels, but " + ranks.length + " ranks");
        }
        Optional<Adapters> adapters = Adapters.of(file, config);
        List<Level> levels = new ArrayList<>();
        for (int i = 0; i < heads.size(); i++) {
            Level widths = new Level(heads.get(i), neurons.get(i));
            Level level = Tuning.isIn(file, i) ? widths.with(Tuning.read(file, i, Math.toIntExact(ranks[i]))) : widths;
            level.check(config);
            if (ranks[i] > adapters.map(Adapters::rank).orElse(0)) {
                throw new ElmsException(path + " has a level of rank " + ranks[i] + ", which its adapters do not reach");
            }
            levels.add(level);
        }
        return new Pack(base, order, levels, directions(path, file, config.width()), adapters,
                metadata.string("elms.pack.provenance").orElse(""), Attachment.planner(file));
    }

    private static float[][] directions(Path path, GgufFile file, int width) {
        return file.find(DIRECTIONS).map(tensor -> {
            if (tensor.columns() != width) {
                throw new ElmsException(path + " has directions of " + tensor.columns() + " numbers, but the model's width is " + width);
            }
            return FloatRows.read(file, tensor);
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
