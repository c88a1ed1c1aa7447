package elms.engine.model;

import elms.engine.ElmsException;
import elms.engine.gguf.GgufException;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorInfo;
import elms.engine.gguf.TensorType;
import elms.engine.gguf.Value;
import elms.kernels.Adapter;
import elms.kernels.Form;
import elms.kernels.Matrix;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Packed weights in a file that is mapped, not read, at the next start. It is a GGUF container whose tensors are the bytes
 * of packed matrices; the forms are in its metadata. A cache: what it is made from is in its key, and it can be made again.
 */
public final class PackedFile implements TensorSource {
    private static final String ARCHITECTURE = "elms-packed";
    private static final int VERSION = 3;
    private static final String KEY = "elms.packed.key";
    private static final String FORMS = "elms.packed.forms";
    private static final String DIRECTIONS = "elms.packed.directions";
    private static final String RANK = "elms.packed.rank";
    private static final String ROPE_FACTORS = "rope_factors";

    private final GgufFile file;
    private final ModelConfig config;
    private final Map<String, Form> forms = new LinkedHashMap<>();

    private PackedFile(GgufFile file, ModelConfig config) {
        this.file = file;
        this.config = config;
    }

    /**
     * Opens a packed file.
     *
     * @param key what the file must have been made from
     * @throws ElmsException if it is damaged or was made from something else
     */
    public static PackedFile open(Path path, ModelConfig config, String key) {
        GgufFile file = GgufFile.open(path);
        if (!file.metadata().string("general.architecture").orElse("").equals(ARCHITECTURE)
                || !file.metadata().string(KEY).orElse("").equals(VERSION + ":" + key)) {
            throw new ElmsException(path + " was packed from another model, order or version");
        }
        PackedFile packed = new PackedFile(file, config);
        String[] forms = file.metadata().required(FORMS, file.metadata().strings(FORMS));
        if (forms.length != file.tensors().size()) {
            throw new GgufException(path + " lists " + forms.length + " forms for " + file.tensors().size() + " tensors");
        }
        int i = 0;
        for (String tensor : file.tensors().keySet()) {
            packed.forms.put(tensor, Form.valueOf(forms[i++]));
        }
        return packed;
    }

    /** All of the file, if it is small enough to be mapped at once. */
    public Optional<ByteBuffer> mapped() {
        return file.map();
    }

    /** Packs all tensors of a source into a file, one at a time. */
    public static void write(Path path, ModelConfig config, String key, WeightPacker source) throws IOException {
        List<GgufWriter.Tensor> tensors = new ArrayList<>();
        List<String> forms = new ArrayList<>();
        for (TensorName name : TensorName.all(config)) {
            if (name.role().isVector()) {
                tensors.add(floats(name.text(), source.vector(name)));
                forms.add(Form.F32.name());
            } else {
                Form form = source.form(name);
                long bytes = Matrix.packedBytes(form, name.rows(config), name.columns(config));
                tensors.add(matrix(name.text(), bytes, () -> source.matrix(name)));
                forms.add(form.name());
            }
        }
        tensors.add(floats(ROPE_FACTORS, source.ropeFactors()));
        forms.add(Form.F32.name());
        Optional<Screen> screen = source.screen();
        screen.ifPresent(head -> {
            tensors.add(matrix(Screen.BASIS, head.basis().data().capacity(), head::basis));
            forms.add(head.basis().form().name());
            tensors.add(matrix(Screen.ROWS, head.rows().data().capacity(), head::rows));
            forms.add(head.rows().form().name());
        });
        int rank = 0;
        for (int layer = 0; layer < config.layers(); layer++) {
            for (Map.Entry<Place, Adapter> entry : source.adapters(layer).entrySet()) {
                Adapter adapter = entry.getValue();
                rank = adapter.rank();
                tensors.add(bytes(entry.getKey().down(layer), adapter.down()));
                tensors.add(bytes(entry.getKey().up(layer), adapter.up()));
                tensors.add(floats(entry.getKey().scales(layer), adapter.scales()));
                forms.addAll(List.of(Form.Q8.name(), Form.Q8.name(), Form.F32.name()));
            }
        }
        Map<String, Value> metadata = new LinkedHashMap<>();
        metadata.put(RANK, Value.uint32(rank));
        metadata.put("general.architecture", Value.of(ARCHITECTURE));
        metadata.put(KEY, Value.of(VERSION + ":" + key));
        metadata.put(DIRECTIONS, Value.uint32(screen.map(head -> head.basis().rows()).orElse(0)));
        metadata.put(FORMS, Value.of(forms.toArray(String[]::new)));
        GgufWriter.write(path, metadata, tensors);
    }

    private static GgufWriter.Tensor matrix(String name, long bytes, Supplier<Matrix> matrix) {
        return new GgufWriter.Tensor(name, TensorType.I8, List.of(bytes), () -> matrix.get().data().duplicate());
    }

    private static GgufWriter.Tensor bytes(String name, byte[] bytes) {
        return new GgufWriter.Tensor(name, TensorType.I8, List.of((long) bytes.length), () -> ByteBuffer.wrap(bytes));
    }

    private static GgufWriter.Tensor floats(String name, float[] values) {
        return new GgufWriter.Tensor(name, TensorType.F32, List.of((long) values.length), () -> {
            ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().put(values);
            return bytes;
        });
    }

    @Override
    public Matrix matrix(TensorName name) {
        return matrix(name.text(), name.rows(config), name.columns(config));
    }

    private Matrix matrix(String name, int rows, int columns) {
        return new Matrix(forms.get(name), rows, columns, Matrix.blocks(columns), file.map(file.tensor(name)));
    }

    @Override
    public Optional<Screen> screen() {
        int directions = file.metadata().integer(DIRECTIONS, 0, config.width()).orElse(0);
        return directions == 0 ? Optional.empty() : Optional.of(new Screen(matrix(Screen.BASIS, directions, config.width()),
                matrix(Screen.ROWS, config.vocabulary(), directions)));
    }

    @Override
    public Map<Place, Adapter> adapters(int layer) {
        Map<Place, Adapter> adapters = new EnumMap<>(Place.class);
        int rank = file.metadata().integer(RANK, 0, config.width()).orElse(0);
        for (Place place : rank == 0 ? new Place[0] : Place.values()) {
            adapters.put(place, new Adapter(rank, place.columns(config), bytes(place.down(layer)), bytes(place.up(layer)),
                    floats(place.scales(layer), rank), new float[config.width()]));
        }
        return adapters;
    }

    private byte[] bytes(String name) {
        ByteBuffer from = file.map(file.tensor(name));
        byte[] bytes = new byte[from.remaining()];
        from.get(bytes);
        return bytes;
    }

    @Override
    public float[] vector(TensorName name) {
        return floats(name.text(), name.columns(config));
    }

    @Override
    public float[] ropeFactors() {
        return floats(ROPE_FACTORS, config.ropeDims() / 2);
    }

    private float[] floats(String name, int count) {
        TensorInfo tensor = file.tensor(name);
        float[] values = new float[count];
        if (tensor.type() != TensorType.F32 || tensor.columns() != count) {
            throw new GgufException(file.path() + " has the wrong shape for '" + name + "'");
        }
        file.map(tensor).asFloatBuffer().get(values);
        return values;
    }
}
