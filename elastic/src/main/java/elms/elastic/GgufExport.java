package elms.elastic;

import elms.engine.gguf.FloatRows;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorInfo;
import elms.engine.gguf.TensorType;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.TensorName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Writes a level as an ordinary GGUF file: key/value groups, the heads inside a group and neurons in the order of importance,
 * zeros for units that the level leaves out. llama.cpp ties query head h to key/value head h / (heads / kvHeads) and has one
 * width for all layers, so heads stay in their group and the file is exact but not faster.
 */
public final class GgufExport {
    /** Stands for a unit that is left out. */
    private static final int NONE = -1;

    private final GgufFile file;
    private final ModelConfig config;
    private final Order order;
    private final Level level;

    public GgufExport(GgufFile file, ModelConfig config, Order order, Level level) {
        this.file = file;
        this.config = config;
        this.order = order;
        this.level = level;
    }

    public void write(Path target) throws IOException {
        Map<String, TensorName> names = new HashMap<>();
        TensorName.all(config).forEach(name -> names.put(name.text(), name));
        List<GgufWriter.Tensor> tensors = new ArrayList<>();
        for (TensorInfo tensor : file.tensors().values()) {
            tensors.add(export(tensor, names.get(tensor.name())));
        }
        GgufWriter.write(target, file.metadata().values(), tensors);
    }

    private GgufWriter.Tensor export(TensorInfo tensor, TensorName name) {
        int headDim = config.headDim();
        return switch (name == null ? TensorName.Role.EMBEDDING : name.role()) {
            case Q -> rows(tensor, units(heads(name.layer()), headDim));
            case K, V -> rows(tensor, units(groups(name.layer()), headDim));
            case GATE, UP -> rows(tensor, neurons(name.layer()));
            case O -> columns(tensor, units(heads(name.layer()), headDim));
            case DOWN -> columns(tensor, neurons(name.layer()));
            default -> new GgufWriter.Tensor(tensor.name(), tensor.type(), tensor.shape(), () -> file.map(tensor));
        };
    }

    /** The key/value groups of a layer, the one with the most important head first. */
    private int[] groups(int layer) {
        int perGroup = config.heads() / config.kvHeads();
        return IntStream.of(order.heads()[layer]).map(head -> head / perGroup).distinct().toArray();
    }

    /** The heads of a layer, group by group, each group most important first; those left out as {@link #NONE}. */
    private int[] heads(int layer) {
        int perGroup = config.heads() / config.kvHeads();
        int[] heads = order.heads()[layer];
        return IntStream.of(groups(layer)).flatMap(group -> IntStream.range(0, heads.length)
                .filter(place -> heads[place] / perGroup == group)
                .map(place -> place < level.heads()[layer] ? heads[place] : NONE)).toArray();
    }

    private int[] neurons(int layer) {
        int[] neurons = order.neurons()[layer];
        return IntStream.range(0, neurons.length).map(place -> place < level.neurons()[layer] ? neurons[place] : NONE).toArray();
    }

    /** Every unit as {@code length} rows or columns. */
    private static int[] units(int[] units, int length) {
        return IntStream.of(units)
                .flatMap(unit -> IntStream.range(0, length).map(i -> unit == NONE ? NONE : unit * length + i)).toArray();
    }

    /** A tensor with its rows in another order, bit for bit. */
    private GgufWriter.Tensor rows(TensorInfo tensor, int[] sources) {
        return new GgufWriter.Tensor(tensor.name(), tensor.type(), tensor.shape(), () -> {
            int rowBytes = (int) tensor.type().rowBytes(tensor.columns());
            ByteBuffer from = file.map(tensor);
            byte[] to = new byte[(int) tensor.bytes()];
            for (int row = 0; row < sources.length; row++) {
                for (int i = 0; sources[row] != NONE && i < rowBytes; i++) {
                    to[row * rowBytes + i] = from.get(sources[row] * rowBytes + i);
                }
            }
            return ByteBuffer.wrap(to);
        });
    }

    /** A tensor with its columns in another order: bit for bit if whole blocks move, else rounded to 8 bits. */
    private GgufWriter.Tensor columns(TensorInfo tensor, int[] sources) {
        if (!movesWholeBlocks(sources, tensor.type().blockSize)) {
            return new GgufWriter.Tensor(tensor.name(), TensorType.Q8_0, tensor.shape(), () -> rounded(tensor, sources));
        }
        return new GgufWriter.Tensor(tensor.name(), tensor.type(), tensor.shape(), () -> {
            int columns = tensor.type().blockSize;
            int bytes = tensor.type().blockBytes;
            int rowBlocks = sources.length / columns;
            ByteBuffer from = file.map(tensor);
            byte[] to = new byte[(int) tensor.bytes()];
            for (int row = 0; row < tensor.rows(); row++) {
                for (int block = 0; block < rowBlocks; block++) {
                    int source = sources[block * columns];
                    for (int i = 0; source != NONE && i < bytes; i++) {
                        to[(row * rowBlocks + block) * bytes + i] = from.get((row * rowBlocks + source / columns) * bytes + i);
                    }
                }
            }
            return ByteBuffer.wrap(to);
        });
    }

    private static boolean movesWholeBlocks(int[] sources, int size) {
        return IntStream.range(0, sources.length).allMatch(column -> {
            int first = sources[column / size * size];
            return first == NONE ? sources[column] == NONE : first % size == 0 && sources[column] == first + column % size;
        });
    }

    private ByteBuffer rounded(TensorInfo tensor, int[] sources) {
        float[][] rows = FloatRows.read(file, tensor);
        for (int r = 0; r < rows.length; r++) {
            float[] row = rows[r];
            rows[r] = new float[sources.length];
            for (int column = 0; column < sources.length; column++) {
                rows[r][column] = sources[column] == NONE ? 0 : row[sources[column]];
            }
        }
        return FloatRows.bytes(TensorType.Q8_0, rows);
    }
}
