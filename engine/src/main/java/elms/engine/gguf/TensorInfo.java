package elms.engine.gguf;

import java.util.List;

/**
 * Where a tensor lies.
 *
 * @param shape columns first, as in the file
 * @param offset from the start of the file, in bytes
 * @param bytes its length
 */
public record TensorInfo(String name, TensorType type, List<Long> shape, long offset, long bytes) {
    /** Length of a row. */
    public long columns() {
        return shape.get(0);
    }

    /** Number of rows: the product of all dimensions but the first. */
    public long rows() {
        return shape.stream().skip(1).reduce(1L, Math::multiplyExact);
    }
}
