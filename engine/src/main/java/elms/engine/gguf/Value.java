package elms.engine.gguf;

/**
 * One metadata value.
 *
 * @param type its type in the file
 * @param elements type of the elements of an array, else null
 * @param content {@code Long}, {@code Double}, {@code Boolean} or {@code String}; of an array {@code long[]},
 *     {@code double[]}, {@code boolean[]} or {@code String[]}
 */
public record Value(ValueType type, ValueType elements, Object content) {
    public static Value of(String text) {
        return new Value(ValueType.STRING, null, text);
    }

    public static Value uint32(long number) {
        return new Value(ValueType.UINT32, null, number);
    }

    public static Value float32(double number) {
        return new Value(ValueType.FLOAT32, null, number);
    }

    public static Value of(String[] texts) {
        return new Value(ValueType.ARRAY, ValueType.STRING, texts);
    }

    public static Value uint16(long[] numbers) {
        return new Value(ValueType.ARRAY, ValueType.UINT16, numbers);
    }

    public static Value int32(long[] numbers) {
        return new Value(ValueType.ARRAY, ValueType.INT32, numbers);
    }

    /** What a reader of an error message calls it. */
    String describe() {
        return type == ValueType.ARRAY ? "an array of " + elements.name().toLowerCase() : "a " + type.name().toLowerCase();
    }
}
