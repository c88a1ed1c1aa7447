package elms.engine.gguf;

/** Types of GGUF metadata values; the ordinal is the number in the file. */
public enum ValueType {
    UINT8(1), INT8(1), UINT16(2), INT16(2), UINT32(4), INT32(4), FLOAT32(4), BOOL(1), STRING(8), ARRAY(12), UINT64(8),
    INT64(8), FLOAT64(8);

    /** Bytes of a value in the file; of a string or an array, the least. */
    final int bytes;

    ValueType(int bytes) {
        this.bytes = bytes;
    }

    boolean isInteger() {
        return switch (this) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
            default -> false;
        };
    }

    boolean isFloat() {
        return this == FLOAT32 || this == FLOAT64;
    }
}
