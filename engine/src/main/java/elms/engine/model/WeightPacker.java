package elms.engine.model;

import elms.engine.ElmsException;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.TensorInfo;
import elms.engine.gguf.TensorReader;
import elms.engine.gguf.TensorType;
import elms.engine.model.TensorName.Role;
import elms.kernels.Adapter;
import elms.kernels.Form;
import elms.kernels.Matrix;
import elms.kernels.MatrixPacker;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Packs the tensors of a GGUF file for the kernels, with an order applied: rows of q, gate and up and columns of o and down
 * change places. Rows of q and k are also taken from neighbouring rotary pairs, as llama.cpp keeps them, to halves, as the
 * kernels rotate them. Blocks of 32 columns that stay together are copied bit for bit; where the order takes them apart,
 * they are rounded to 8 bits.
 */
public final class WeightPacker implements TensorSource {
    /** How weights are kept. */
    public enum Precision {
        /** As the file has them, in 4 or 8 bits. */
        PACKED,
        /** As 32-bit floats: exact, for tests. */
        FLOAT
    }

    private static final int BLOCK = Matrix.BLOCK_COLUMNS;

    private final GgufFile file;
    private final ModelConfig config;
    private final Order order;
    private final Optional<Pack> pack;
    private final Optional<List<Map<Place, Adapters.Pair>>> pairs;
    private final Precision precision;

    /** Packs the weights alone. */
    public WeightPacker(GgufFile file, ModelConfig config, Order order, Precision precision) {
        this(file, config, order, Optional.empty(), precision);
    }

    /** Packs all that a pack asks for: the weights in its order, its screen, its adapters. */
    public WeightPacker(GgufFile file, ModelConfig config, Pack pack, Precision precision) {
        this(file, config, pack.order(), Optional.of(pack), precision);
    }

    private WeightPacker(GgufFile file, ModelConfig config, Order order, Optional<Pack> pack, Precision precision) {
        order.check(config);
        this.file = file;
        this.config = config;
        this.order = order;
        this.pack = pack;
        this.pairs = pack.flatMap(Pack::adapters).map(Adapters::layers);
        this.precision = precision;
    }

    @Override
    public float[] vector(TensorName name) {
        TensorInfo tensor = file.tensor(name.text());
        float[] values = new float[(int) tensor.columns()];
        new TensorReader(file, tensor).readRow(0, values, 0);
        return values;
    }

    @Override
    public Optional<Screen> screen() {
        return pack.map(Pack::directions).filter(directions -> directions.length > 0).map(directions ->
                Screen.of(matrix(TensorName.of(config.tiedOutput() ? Role.EMBEDDING : Role.OUTPUT)), directions));
    }

    @Override
    public Map<Place, Adapter> adapters(int layer) {
        Map<Place, Adapter> adapters = new EnumMap<>(Place.class);
        pairs.ifPresent(layers -> layers.get(layer).forEach((place, pair) ->
                adapters.put(place, Adapter.of(pair.down(), pair.up(), new float[config.width()]))));
        return adapters;
    }

    @Override
    public float[] ropeFactors() {
        float[] factors = new float[config.ropeDims() / 2];
        Arrays.fill(factors, 1);
        file.find(TensorName.ROPE_FACTORS).ifPresent(tensor -> {
            if (tensor.columns() != factors.length) {
                throw new ElmsException(file.path() + " has " + tensor.columns() + " rotary factors, not " + factors.length);
            }
            new TensorReader(file, tensor).readRow(0, factors, 0);
        });
        return factors;
    }

    @Override
    public Matrix matrix(TensorName name) {
        TensorReader reader = new TensorReader(file, file.tensor(name.text()));
        int[] rows = rowOrder(name);
        int[] columns = columnOrder(name);
        MatrixPacker packer = new MatrixPacker(form(name), rows.length, columns.length);
        boolean exact = precision == Precision.PACKED && reader.tensor().type().blockSize == BLOCK && keepsBlocks(columns);
        IntStream.range(0, packer.matrix().panels()).parallel().forEach(panel -> {
            int first = panel * Matrix.PANEL_ROWS;
            for (int row = first; row < Math.min(first + Matrix.PANEL_ROWS, rows.length); row++) {
                if (exact) {
                    copyBlocks(reader, rows[row], columns, packer, row);
                } else {
                    roundBlocks(reader, rows[row], columns, packer, row);
                }
            }
        });
        return packer.matrix();
    }

    /** How a matrix will be kept. */
    Form form(TensorName name) {
        if (precision == Precision.FLOAT) {
            return Form.F32;
        }
        TensorType type = file.tensor(name.text()).type();
        boolean fourBits = type == TensorType.Q4_0 || type == TensorType.Q4_1;
        return fourBits && keepsBlocks(columnOrder(name)) ? Form.Q4 : Form.Q8;
    }

    private static void copyBlocks(TensorReader reader, int from, int[] columns, MatrixPacker packer, int row) {
        byte[] quants = new byte[BLOCK];
        for (int block = 0; block < columns.length / BLOCK; block++) {
            int source = columns[block * BLOCK] / BLOCK;
            reader.readQuants(from, source, quants);
            if (packer.matrix().form() == Form.Q4) {
                packer.putQ4(row, block, reader.scale(from, source), reader.minimum(from, source), quants);
            } else {
                packer.putQ8(row, block, reader.scale(from, source), quants);
            }
        }
    }

    private static void roundBlocks(TensorReader reader, int from, int[] columns, MatrixPacker packer, int row) {
        float[] source = new float[columns.length];
        reader.readRow(from, source, 0);
        float[] ordered = new float[columns.length];
        for (int column = 0; column < columns.length; column++) {
            ordered[column] = source[columns[column]];
        }
        packer.putRow(row, ordered);
    }

    /** The row of the file that each packed row comes from. */
    private int[] rowOrder(TensorName name) {
        return switch (name.role()) {
            case Q -> IntStream.of(order.heads()[name.layer()]).flatMap(this::rotaryRows).toArray();
            case K -> IntStream.range(0, config.kvHeads()).flatMap(this::rotaryRows).toArray();
            case GATE, UP -> order.neurons()[name.layer()];
            default -> IntStream.range(0, name.rows(config)).toArray();
        };
    }

    /** Rows of a head: the first of every rotary pair, the second of every pair, the rest. */
    private IntStream rotaryRows(int head) {
        int half = config.ropeDims() / 2;
        int first = head * config.headDim();
        return IntStream.range(0, config.headDim())
                .map(d -> first + (d < half ? 2 * d : d < 2 * half ? 2 * (d - half) + 1 : d));
    }

    private int[] columnOrder(TensorName name) {
        return switch (name.role()) {
            case O -> IntStream.of(order.heads()[name.layer()])
                    .flatMap(head -> IntStream.range(head * config.headDim(), (head + 1) * config.headDim())).toArray();
            case DOWN -> order.neurons()[name.layer()];
            default -> IntStream.range(0, name.columns(config)).toArray();
        };
    }

    /** Whether every block of 32 packed columns is a block of 32 of the file. */
    private static boolean keepsBlocks(int[] columns) {
        for (int column = 0; column < columns.length; column++) {
            int first = columns[column / BLOCK * BLOCK];
            if (first % BLOCK != 0 || columns[column] != first + column % BLOCK) {
                return false;
            }
        }
        return true;
    }
}
