package elms.engine.model;

import elms.engine.ElmsException;
import elms.engine.gguf.FloatRows;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorInfo;
import elms.engine.gguf.TensorType;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The adapters that all recovered levels share, as a pack keeps them. Those of a file are decoded when they are asked for: a start
 * with packed weights needs none.
 */
public final class Adapters {
    /**
     * One adapter.
     *
     * @param down rank rows, one column a unit that it reads, in the {@link Order}
     * @param up rank rows of the model's width: the matrix that writes, transposed
     */
    public record Pair(float[][] down, float[][] up) {}

    private final int rank;
    private final Supplier<List<Map<Place, Pair>>> source;

    private Adapters(int rank, Supplier<List<Map<Place, Pair>>> source) {
        this.rank = rank;
        this.source = source;
    }

    /**
     * Adapters in memory.
     *
     * @param layers each with an adapter at every {@link Place}
     */
    public Adapters(List<Map<Place, Pair>> layers) {
        this(layers.get(0).get(Place.ATTENTION_INPUT).down().length, () -> layers);
    }

    public int rank() {
        return rank;
    }

    /** All of them, decoded anew if they are in a file, which must still be there. */
    public List<Map<Place, Pair>> layers() {
        return source.get();
    }

    /**
     * Tensors to write.
     *
     * @param type of rows that are whole blocks of it; others are halves
     */
    public List<GgufWriter.Tensor> tensors(TensorType type) {
        List<GgufWriter.Tensor> tensors = new ArrayList<>();
        List<Map<Place, Pair>> layers = layers();
        for (int layer = 0; layer < layers.size(); layer++) {
            for (Map.Entry<Place, Pair> entry : layers.get(layer).entrySet()) {
                tensors.add(tensor(entry.getKey().down(layer), type, entry.getValue().down()));
                tensors.add(tensor(entry.getKey().up(layer), type, entry.getValue().up()));
            }
        }
        return tensors;
    }

    private static GgufWriter.Tensor tensor(String name, TensorType type, float[][] rows) {
        return FloatRows.tensor(name, rows[0].length % type.blockSize == 0 ? type : TensorType.F16, rows);
    }

    /** What {@link #tensors} wrote, if it is there. */
    static Optional<Adapters> of(GgufFile file, ModelConfig config) {
        return file.find(Place.ATTENTION_INPUT.down(0)).map(first -> new Adapters(Math.toIntExact(first.rows()), () -> {
            try (GgufFile again = GgufFile.open(file.path())) {
                return read(again, config, first.rows());
            }
        }));
    }

    private static List<Map<Place, Pair>> read(GgufFile file, ModelConfig config, long rank) {
        List<Map<Place, Pair>> layers = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            Map<Place, Pair> places = new EnumMap<>(Place.class);
            for (Place place : Place.values()) {
                places.put(place, new Pair(rows(file, place.down(layer), rank, place.columns(config)),
                        rows(file, place.up(layer), rank, config.width())));
            }
            layers.add(places);
        }
        return layers;
    }

    private static float[][] rows(GgufFile file, String name, long rank, int columns) {
        TensorInfo tensor = file.tensor(name);
        if (tensor.rows() != rank || tensor.columns() != columns) {
            throw new ElmsException(file.path() + " has an adapter '" + name + "' of " + tensor.rows() + "×" + tensor.columns() + ", not "
                    + rank + "×" + columns);
        }
        return FloatRows.read(file, tensor);
    }
}
