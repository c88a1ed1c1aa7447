package elms.engine.gguf;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The key-value part of a GGUF file. Every getter checks type and range and names the key when something is off. */
public final class Metadata {
    private final Map<String, Value> values;

    public Metadata(Map<String, Value> values) {
        this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /** All values, in the order of the file. */
    public Map<String, Value> values() {
        return values;
    }

    public Optional<String> string(String key) {
        return get(key, String.class, "a string");
    }

    public Optional<Boolean> bool(String key) {
        return get(key, Boolean.class, "a bool");
    }

    public Optional<Double> number(String key) {
        Value value = values.get(key);
        if (value != null && value.type().isInteger()) {
            return Optional.of((double) (Long) value.content());
        }
        return get(key, Double.class, "a number").map(number -> {
            if (!Double.isFinite(number)) {
                throw new GgufException("the metadata value '" + key + "' is not a finite number");
            }
            return number;
        });
    }

    /** An integer between {@code least} and {@code most}. */
    public Optional<Integer> integer(String key, int least, int most) {
        Optional<Long> value = get(key, Long.class, "an integer");
        value.filter(number -> number < least || number > most).ifPresent(number -> {
            throw new GgufException("the metadata value '" + key + "' is " + number + ", but must be between " + least + " and "
                    + most);
        });
        return value.map(Long::intValue);
    }

    public Optional<String[]> strings(String key) {
        return get(key, String[].class, "an array of strings");
    }

    public Optional<long[]> integers(String key) {
        return get(key, long[].class, "an array of integers");
    }

    /** The value of an optional, or an exception that names the missing key. */
    public <T> T required(String key, Optional<T> value) {
        return value.orElseThrow(() -> new GgufException("the metadata value '" + key + "' is missing"));
    }

    private <T> Optional<T> get(String key, Class<T> type, String expected) {
        Value value = values.get(key);
        if (value == null) {
            return Optional.empty();
        }
        if (!type.isInstance(value.content())) {
            throw new GgufException("the metadata value '" + key + "' is " + value.describe() + ", but must be " + expected);
        }
        return Optional.of(type.cast(value.content()));
    }
}
