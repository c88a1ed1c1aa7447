package elms.elastic.torch;

import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorInfo;
import elms.engine.gguf.TensorType;
import elms.kernels.Matrix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Between Java's numbers and PyTorch's. A tensor belongs to the {@link PointerScope} that it was made in, and ends with it. */
public final class Tensors {
    private Tensors() {}

    /** What some work gives; all else that it made is freed, but for what the gradients will need. */
    public static Tensor only(Supplier<Tensor> work) {
        PointerScope outer = PointerScope.getInnerScope();
        try (PointerScope inner = new PointerScope()) {
            Tensor result = work.get();
            outer.attach(result);
            return result;
        }
    }

    /** A matrix of that type; rows are read by several threads. */
    public static Tensor of(Matrix matrix, ScalarType type) {
        return only(() -> {
            Tensor floats = torch.empty(matrix.rows(), matrix.columns());
            FloatPointer data = floats.data_ptr_float();
            IntStream.range(0, matrix.rows()).parallel().forEach(row -> {
                float[] weights = new float[matrix.columns()];
                matrix.readRow(row, weights, 0);
                new FloatPointer(data).position((long) row * weights.length).put(weights);
            });
            return floats.to(type);
        });
    }

    /** Floats as a tensor of that shape. */
    public static Tensor of(float[] values, long... shape) {
        Tensor tensor = torch.empty(shape);
        tensor.data_ptr_float().put(values);
        return tensor;
    }

    /** Rows as a matrix. */
    public static Tensor of(float[][] rows) {
        float[] values = new float[rows.length * rows[0].length];
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(rows[row], 0, values, row * rows[row].length, rows[row].length);
        }
        return of(values, rows.length, rows[0].length);
    }

    /** Whole numbers as a vector that picks rows. */
    public static Tensor indices(int[] values) {
        return torch.tensor(IntStream.of(values).asLongStream().toArray());
    }

    /** A tensor of floats of a file, copied. */
    public static Tensor read(GgufFile file, TensorInfo info) {
        Tensor tensor = torch.empty(info.rows(), info.columns());
        float[] values = new float[Math.toIntExact(info.rows() * info.columns())];
        file.map(info).asFloatBuffer().get(values);
        tensor.data_ptr_float().put(values);
        return tensor;
    }

    /** A matrix of floats to write; it is read when it is written. */
    public static GgufWriter.Tensor file(String name, Tensor tensor) {
        return new GgufWriter.Tensor(name, TensorType.F32, List.of(tensor.size(1), tensor.size(0)), () -> {
            float[] values = floats(tensor);
            ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().put(FloatBuffer.wrap(values));
            return bytes;
        });
    }

    /** All numbers of a tensor, row by row. */
    public static float[] floats(Tensor tensor) {
        try (PointerScope scope = new PointerScope()) {
            float[] values = new float[Math.toIntExact(tensor.numel())];
            tensor.detach().to(ScalarType.Float).contiguous().data_ptr_float().get(values);
            return values;
        }
    }

    /** The rows of a matrix. */
    public static float[][] rows(Tensor matrix) {
        float[] values = floats(matrix);
        float[][] rows = new float[Math.toIntExact(matrix.size(0))][Math.toIntExact(matrix.size(1))];
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(values, row * rows[row].length, rows[row], 0, rows[row].length);
        }
        return rows;
    }

    /** One after another along a dimension. */
    public static Tensor join(List<Tensor> tensors, int dimension) {
        return tensors.size() == 1 ? tensors.get(0) : torch.cat(new TensorVector(tensors.toArray(Tensor[]::new)), dimension);
    }

    public static Scalar scalar(double number) {
        return new Scalar(number);
    }
}
