package elms.elastic.recovery;

import elms.elastic.torch.Adam;
import elms.engine.ElmsException;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorInfo;
import elms.engine.gguf.TensorType;
import elms.engine.gguf.Value;
import elms.engine.model.Adapters;
import elms.engine.model.Adapters.Pair;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Pack;
import elms.engine.model.Place;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/**
 * The folder of a recovery: what it trains with, and how far it came. The state is a pack in floats, with the optimizer's moments
 * beside it ({@code NAME.m}, {@code NAME.v}); the Python twin reads and writes the same. A file is written beside the old one and
 * then takes its place, so that whenever a process ends, there is a state to go on from.
 */
public final class Checkpoint {
    private static final double ADAPTER_RATE = 2e-3;
    private static final double ROWS_RATE = 1e-3;
    private static final String ADAPTERS = "blk.";
    private static final String LEVELS = "level.";
    /** Deviation of the weights that adapters start from; those that write start from zero. */
    private static final double DEVIATION = 0.02;
    private static final String TEXTS = "texts.gguf";
    private static final String STATE = "state.gguf";
    private static final String BATCHES = "elms.recovery.batches";
    private static final String SECONDS = "elms.recovery.seconds";

    /**
     * How far a recovery came.
     *
     * @param batches steps of the optimizer
     * @param seconds of training
     */
    public record Spent(int batches, int seconds) {}

    private final Path folder;
    private final Duration every;

    public Checkpoint(Path folder) {
        this(folder, Duration.ofMinutes(3));
    }

    /**
     * @param every how often a training writes its state
     */
    Checkpoint(Path folder, Duration every) {
        this.folder = folder;
        this.every = every;
    }

    public boolean exists() {
        return Files.exists(state());
    }

    Path folder() {
        return folder;
    }

    /** How often a training writes its state. */
    Duration every() {
        return every;
    }

    /** The file of the state, which is also a pack. */
    Path state() {
        return folder.resolve(STATE);
    }

    /**
     * Begins anew, from a pack whose levels have their ranks.
     *
     * @param training sequences of one length, in the order of their use
     * @param seed of the adapters
     */
    public void begin(Pack pack, ModelConfig config, List<int[]> training, long seed) throws IOException {
        Files.createDirectories(folder);
        Files.deleteIfExists(state());
        clean();
        writeTexts(training);
        int rank = pack.levels().stream().mapToInt(Level::rank).max().orElse(0);
        write(new Pack(pack.baseSha256(), pack.order(), pack.levels(), pack.directions(), adapters(rank, config, seed),
                pack.provenance()));
    }

    private static Optional<Adapters> adapters(int rank, ModelConfig config, long seed) {
        if (rank == 0) {
            return Optional.empty();
        }
        Random random = new Random(seed);
        List<Map<Place, Pair>> layers = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            Map<Place, Pair> places = new EnumMap<>(Place.class);
            for (Place place : Place.values()) {
                float[][] down = new float[rank][place.columns(config)];
                for (float[] row : down) {
                    for (int i = 0; i < row.length; i++) {
                        row[i] = (float) (DEVIATION * random.nextGaussian());
                    }
                }
                places.put(place, new Pair(down, new float[rank][config.width()]));
            }
            layers.add(places);
        }
        return Optional.of(new Adapters(layers));
    }

    /** Writes a state that nothing was trained of yet. */
    void write(Pack pack) throws IOException {
        write(pack, pack.tensors(TensorType.F32, TensorType.F32), new Spent(0, 0));
    }

    /**
     * Writes a state.
     *
     * @param pack what its header says
     * @param tensors what the pack has, and the moments
     */
    void write(Pack pack, List<GgufWriter.Tensor> tensors, Spent spent) throws IOException {
        Map<String, Value> metadata = pack.metadata();
        metadata.put(BATCHES, Value.uint32(spent.batches()));
        metadata.put(SECONDS, Value.uint32(spent.seconds()));
        GgufWriter.write(state(), metadata, tensors);
    }

    /**
     * The state as a pack.
     *
     * @throws ElmsException if there is none, if it is damaged, or of another base model
     */
    public Pack read(ModelConfig config, String baseSha256) {
        if (!exists()) {
            throw new ElmsException("there is no recovery of this model to go on with; leave out --resume to begin one");
        }
        clean();
        return Pack.read(state(), config, baseSha256);
    }

    /** How far the state came. */
    public Spent spent() {
        try (GgufFile file = GgufFile.open(state())) {
            return new Spent(number(file, BATCHES), number(file, SECONDS));
        }
    }

    private static int number(GgufFile file, String key) {
        return file.metadata().required(key, file.metadata().integer(key, 0, Integer.MAX_VALUE));
    }

    /** What a state trains, in the present scope. */
    static Adam trained(GgufFile state) {
        Adam adam = new Adam(name -> name.startsWith(ADAPTERS) ? ADAPTER_RATE : ROWS_RATE);
        adam.read(state, name -> name.startsWith(ADAPTERS) || name.startsWith(LEVELS));
        return adam;
    }

    /** The sequences to train on. */
    public List<int[]> texts() {
        try (GgufFile file = GgufFile.open(folder.resolve(TEXTS))) {
            TensorInfo info = file.tensor("texts");
            IntBuffer tokens = file.map(info).asIntBuffer();
            List<int[]> texts = new ArrayList<>();
            for (int i = 0; i < info.rows(); i++) {
                int[] text = new int[Math.toIntExact(info.columns())];
                tokens.get(text);
                texts.add(text);
            }
            return texts;
        }
    }

    private void writeTexts(List<int[]> training) throws IOException {
        int length = training.get(0).length;
        GgufWriter.Tensor tensor = new GgufWriter.Tensor("texts", TensorType.I32, List.of((long) length, (long) training.size()), () -> {
            ByteBuffer bytes = ByteBuffer.allocate(training.size() * length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            training.forEach(sequence -> {
                for (int token : sequence) {
                    bytes.putInt(token);
                }
            });
            bytes.flip();
            return bytes;
        });
        GgufWriter.write(folder.resolve(TEXTS), Map.of("general.architecture", Value.of("elms-texts")), List.of(tensor));
    }

    /** Deletes what a process that was killed had begun to write. */
    private void clean() {
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(folder, "*.part")) {
            for (Path part : parts) {
                Files.delete(part);
            }
        } catch (IOException e) {
            throw new ElmsException("what is left of an earlier recovery cannot be deleted: " + e.getMessage(), e);
        }
    }
}
