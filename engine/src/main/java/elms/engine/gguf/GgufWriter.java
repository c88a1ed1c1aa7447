package elms.engine.gguf;

import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;

/** Writes GGUF files, version 3. The file appears under its name when it is complete, or not at all. */
public final class GgufWriter {
    /**
     * A tensor to write.
     *
     * @param shape columns first
     * @param content asked for once, when its turn comes: a buffer whose remaining bytes are the tensor
     */
    public record Tensor(String name, TensorType type, List<Long> shape, Supplier<ByteBuffer> content) {
        long bytes() {
            return shape.stream().reduce(1L, Math::multiplyExact) / type.blockSize * type.blockBytes;
        }
    }

    private static final int ALIGNMENT = 64;

    private GgufWriter() {}

    /** Writes a file; {@code metadata} gets the key of the alignment. */
    public static void write(Path target, Map<String, Value> metadata, List<Tensor> tensors) throws IOException {
        Path parent = target.toAbsolutePath().getParent();
        Files.createDirectories(parent);
        Path part = parent.resolve(target.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            try (LargeWrites file = new LargeWrites(part)) {
                file.write(header(metadata, tensors));
                for (Tensor tensor : tensors) {
                    file.pad(ALIGNMENT);
                    ByteBuffer content = tensor.content().get();
                    if (content.remaining() != tensor.bytes()) {
                        throw new IllegalStateException(tensor.name() + " has " + content.remaining() + " bytes, not " + tensor.bytes());
                    }
                    file.write(content);
                }
                file.flush();
            }
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private static ByteBuffer header(Map<String, Value> metadata, List<Tensor> tensors) {
        Output out = new Output();
        out.putInt(GgufReader.MAGIC);
        out.putInt(3);
        out.putLong(tensors.size());
        boolean alignmentGiven = metadata.containsKey("general.alignment");
        out.putLong(metadata.size() + (alignmentGiven ? 0 : 1));
        if (!alignmentGiven) {
            putValue(out, "general.alignment", Value.uint32(ALIGNMENT));
        }
        metadata.forEach((key, value) -> putValue(out, key, key.equals("general.alignment") ? Value.uint32(ALIGNMENT) : value));
        long offset = 0;
        for (Tensor tensor : tensors) {
            out.putString(tensor.name());
            out.putInt(tensor.shape().size());
            tensor.shape().forEach(out::putLong);
            out.putInt(tensor.type().id);
            out.putLong(offset);
            offset += (tensor.bytes() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
        return out.written();
    }

    private static void putValue(Output out, String key, Value value) {
        out.putString(key);
        out.putInt(value.type().ordinal());
        if (value.type() != ValueType.ARRAY) {
            putScalar(out, value.type(), value.content());
            return;
        }
        out.putInt(value.elements().ordinal());
        int length = Array.getLength(value.content());
        out.putLong(length);
        for (int i = 0; i < length; i++) {
            putScalar(out, value.elements(), Array.get(value.content(), i));
        }
    }

    private static void putScalar(Output out, ValueType type, Object content) {
        switch (type) {
            case UINT8, INT8 -> out.putByte(((Long) content).byteValue());
            case UINT16, INT16 -> out.putShort(((Long) content).shortValue());
            case UINT32, INT32 -> out.putInt(((Long) content).intValue());
            case UINT64, INT64 -> out.putLong((Long) content);
            case FLOAT32 -> out.putInt(Float.floatToRawIntBits(((Double) content).floatValue()));
            case FLOAT64 -> out.putLong(Double.doubleToRawLongBits((Double) content));
            case BOOL -> out.putByte((byte) ((Boolean) content ? 1 : 0));
            case STRING -> out.putString((String) content);
            case ARRAY -> throw new AssertionError("arrays are written elsewhere");
        }
    }

    /** A little-endian buffer that grows. */
    private static final class Output {
        private ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);

        void putByte(byte value) {
            room(1).put(value);
        }

        void putShort(short value) {
            room(2).putShort(value);
        }

        void putInt(int value) {
            room(4).putInt(value);
        }

        void putLong(long value) {
            room(8).putLong(value);
        }

        void putString(String value) {
            byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
            putLong(bytes.length);
            room(bytes.length).put(bytes);
        }

        ByteBuffer written() {
            return ByteBuffer.wrap(buffer.array(), 0, buffer.position());
        }

        private ByteBuffer room(int bytes) {
            if (buffer.remaining() < bytes) {
                int capacity = Math.max(2 * buffer.capacity(), buffer.position() + bytes);
                buffer = ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN).put(written());
            }
            return buffer;
        }
    }
}
