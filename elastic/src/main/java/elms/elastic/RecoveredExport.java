package elms.elastic;

import elms.engine.gguf.FloatRows;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorInfo;
import elms.engine.gguf.TensorType;
import elms.engine.model.Adapters;
import elms.engine.model.Adapters.Pair;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.Place;
import elms.engine.model.TensorName;
import elms.engine.model.Tuning;
import elms.kernels.Matrix;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Writes a recovered level as an ordinary GGUF file: adapters merged into the matrices beside them, which are rounded to 8 bits,
 * zeros for units that the level leaves out, its norms, and its biases. Units stay where the base file has them.
 */
public final class RecoveredExport {
    private final GgufFile file;
    private final ModelConfig config;
    private final Order order;
    private final Adapters adapters;
    private final Level level;
    private final Tuning tuning;

    /**
     * @param level recovered with {@code adapters}
     */
    public RecoveredExport(GgufFile file, ModelConfig config, Order order, Adapters adapters, Level level) {
        this.file = file;
        this.config = config;
        this.order = order;
        this.adapters = adapters;
        this.level = level;
        this.tuning = level.tuning().orElseThrow();
    }

    public void write(Path target) throws IOException {
        Map<String, TensorName> names = new HashMap<>();
        TensorName.all(config).stream().filter(name -> name.layer() >= 0).forEach(name -> names.put(name.text(), name));
        List<GgufWriter.Tensor> tensors = new ArrayList<>();
        for (TensorInfo tensor : file.tensors().values()) {
            tensors.add(names.containsKey(tensor.name()) ? merged(tensor, names.get(tensor.name()))
                    : new GgufWriter.Tensor(tensor.name(), tensor.type(), tensor.shape(), () -> file.map(tensor)));
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            tensors.add(vector("blk." + layer + ".attn_output.bias", tuning.attentionBias()[layer]));
            tensors.add(vector("blk." + layer + ".ffn_down.bias", tuning.feedForwardBias()[layer]));
        }
        GgufWriter.write(target, file.metadata().values(), tensors);
    }

    private GgufWriter.Tensor merged(TensorInfo tensor, TensorName name) {
        int layer = name.layer();
        return switch (name.role()) {
            case ATTENTION_NORM -> vector(tensor.name(), tuning.attentionNorm()[layer]);
            case FEED_FORWARD_NORM -> vector(tensor.name(), tuning.feedForwardNorm()[layer]);
            case Q, K, V -> rounded(tensor, () -> behind(FloatRows.read(file, tensor), pair(layer, Place.ATTENTION_INPUT)));
            case GATE, UP -> rounded(tensor, () -> level.neurons()[layer] == 0 ? FloatRows.read(file, tensor)
                    : behind(FloatRows.read(file, tensor), pair(layer, Place.FEED_FORWARD_INPUT)));
            case O -> rounded(tensor, () -> beside(FloatRows.read(file, tensor), pair(layer, Place.ATTENTION_OUTPUT),
                    order.heads()[layer], config.headDim(), level.heads()[layer]));
            default -> rounded(tensor, () -> beside(FloatRows.read(file, tensor), pair(layer, Place.FEED_FORWARD_OUTPUT),
                    order.neurons()[layer], 1, level.neurons()[layer]));
        };
    }

    private Pair pair(int layer, Place place) {
        Pair pair = adapters.layers().get(layer).get(place);
        return new Pair(Arrays.copyOf(pair.down(), tuning.rank()), Arrays.copyOf(pair.up(), tuning.rank()));
    }

    /** W · (1 + up · down). */
    private static float[][] behind(float[][] rows, Pair pair) {
        for (float[] row : rows) {
            float[] original = row.clone();
            for (int k = 0; k < pair.up().length; k++) {
                float inner = 0;
                for (int column = 0; column < row.length; column++) {
                    inner += original[column] * pair.up()[k][column];
                }
                for (int column = 0; column < row.length; column++) {
                    row[column] += inner * pair.down()[k][column];
                }
            }
        }
        return rows;
    }

    /** W + up · down in the columns of the first {@code kept} units of the order, each {@code size} wide; zeros in all others. */
    private static float[][] beside(float[][] rows, Pair pair, int[] units, int size, int kept) {
        for (int r = 0; r < rows.length; r++) {
            float[] original = rows[r];
            rows[r] = new float[original.length];
            for (int place = 0; place < kept * size; place++) {
                int column = units[place / size] * size + place % size;
                rows[r][column] = original[column];
                for (int k = 0; k < pair.up().length; k++) {
                    rows[r][column] += pair.up()[k][r] * pair.down()[k][place];
                }
            }
        }
        return rows;
    }

    /** Rows are made when their turn comes. */
    private static GgufWriter.Tensor rounded(TensorInfo tensor, Supplier<float[][]> rows) {
        boolean blocks = tensor.columns() % Matrix.BLOCK_COLUMNS == 0 && tensor.type() != TensorType.F32;
        TensorType type = blocks ? TensorType.Q8_0 : TensorType.F32;
        return new GgufWriter.Tensor(tensor.name(), type, tensor.shape(), () -> FloatRows.bytes(type, rows.get()));
    }

    private static GgufWriter.Tensor vector(String name, float[] values) {
        return new GgufWriter.Tensor(name, TensorType.F32, List.of((long) values.length),
                FloatRows.tensor(name, TensorType.F32, new float[][] {values}).content());
    }
}
