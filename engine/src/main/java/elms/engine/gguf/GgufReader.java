package elms.engine.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the header of a GGUF file, versions 2 and 3, little-endian. Nothing in the file is believed: a count, length, offset
 * or dimension is compared with the bytes that are left, in exact arithmetic, before anything of that size is allocated.
 */
final class GgufReader {
    static final int MAGIC = 0x46554747;
    private static final int MOST_DIMENSIONS = 4;
    private static final int LONGEST_NAME = 1 << 16;
    private static final int LONGEST_STRING = 1 << 24;
    private static final int LONGEST_ARRAY = 1 << 24;
    private static final int LEAST_VALUE_BYTES = 8 + 4 + 1;
    private static final int LEAST_TENSOR_BYTES = 8 + 4 + 8 + 4 + 8;
    private static final long LARGEST_HEADER = 1L << 28;
    private static final int WINDOW = 1 << 16;
    private static final char REPLACEMENT = '\ufffd';
    private static final int DEFAULT_ALIGNMENT = 32;
    private static final int LARGEST_ALIGNMENT = 1 << 20;

    /** A header that was read whole. */
    record Header(Metadata metadata, Map<String, TensorInfo> tensors) {}

    private final GgufSource source;
    private ByteBuffer buffer = ByteBuffer.allocate(0);
    /** File position of the end of {@link #buffer}. */
    private long bufferEnd;

    private GgufReader(GgufSource source) {
        this.source = source;
    }

    static Header read(GgufSource source) throws IOException {
        return new GgufReader(source).header();
    }

    private Header header() throws IOException {
        if (source.size() < 4 || readInt() != MAGIC) {
            throw new GgufException("it does not begin with the letters GGUF");
        }
        int version = readInt();
        if (Integer.reverseBytes(version) == 2 || Integer.reverseBytes(version) == 3) {
            throw new GgufException("it is big-endian, which is not supported");
        }
        if (version != 2 && version != 3) {
            throw new GgufException("its version is " + Integer.toUnsignedString(version) + ", but only 2 and 3 are supported");
        }
        long tensorCount = readCount("tensors", LEAST_TENSOR_BYTES);
        long valueCount = readCount("metadata values", LEAST_VALUE_BYTES);
        Metadata metadata = readMetadata(valueCount);
        int alignment = metadata.integer("general.alignment", 1, LARGEST_ALIGNMENT).orElse(DEFAULT_ALIGNMENT);
        if (alignment % 8 != 0 || Integer.bitCount(alignment) != 1) {
            throw new GgufException("its alignment is " + alignment + ", which is not a power of two from 8 up");
        }
        return new Header(metadata, readTensors(tensorCount, alignment));
    }

    private Metadata readMetadata(long count) throws IOException {
        Map<String, Value> values = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            String key = readString("a metadata key", LONGEST_NAME);
            if (key.isEmpty()) {
                throw new GgufException("a metadata key is empty");
            }
            ValueType type = readType(key);
            Value value = type == ValueType.ARRAY ? readArray(key) : new Value(type, null, readScalar(type, key));
            if (values.putIfAbsent(key, value) != null) {
                throw new GgufException("the metadata key '" + key + "' occurs twice");
            }
        }
        return new Metadata(values);
    }

    private Value readArray(String key) throws IOException {
        ValueType elements = readType(key);
        if (elements == ValueType.ARRAY) {
            throw new GgufException("the metadata value '" + key + "' is an array of arrays, which is not supported");
        }
        long length = readCount("elements of '" + key + "'", elements.bytes);
        if (length > LONGEST_ARRAY) {
            throw new GgufException("the metadata value '" + key + "' has " + length + " elements, more than " + LONGEST_ARRAY);
        }
        int n = (int) length;
        Object content;
        if (elements.isInteger()) {
            long[] numbers = new long[n];
            for (int i = 0; i < n; i++) {
                numbers[i] = (Long) readScalar(elements, key);
            }
            content = numbers;
        } else if (elements.isFloat()) {
            double[] numbers = new double[n];
            for (int i = 0; i < n; i++) {
                numbers[i] = (Double) readScalar(elements, key);
            }
            content = numbers;
        } else if (elements == ValueType.BOOL) {
            boolean[] flags = new boolean[n];
            for (int i = 0; i < n; i++) {
                flags[i] = (Boolean) readScalar(elements, key);
            }
            content = flags;
        } else {
            String[] strings = new String[n];
            String what = "an element of '" + key + "'";
            for (int i = 0; i < n; i++) {
                strings[i] = readString(what, LONGEST_STRING);
            }
            content = strings;
        }
        return new Value(ValueType.ARRAY, elements, content);
    }

    private Object readScalar(ValueType type, String key) throws IOException {
        return switch (type) {
            case UINT8 -> (long) (readByte() & 0xff);
            case INT8 -> (long) readByte();
            case UINT16 -> (long) (readShort() & 0xffff);
            case INT16 -> (long) readShort();
            case UINT32 -> readInt() & 0xffff_ffffL;
            case INT32 -> (long) readInt();
            case INT64 -> readLong();
            case UINT64 -> {
                long number = readLong();
                if (number < 0) {
                    throw new GgufException("the metadata value '" + key + "' is " + Long.toUnsignedString(number)
                            + ", which is absurdly large");
                }
                yield number;
            }
            case FLOAT32 -> (double) Float.intBitsToFloat(readInt());
            case FLOAT64 -> Double.longBitsToDouble(readLong());
            case BOOL -> {
                int flag = readByte();
                if (flag != 0 && flag != 1) {
                    throw new GgufException("the metadata value '" + key + "' is a bool of " + flag);
                }
                yield flag == 1;
            }
            case STRING -> readString("'" + key + "'", LONGEST_STRING);
            case ARRAY -> throw new AssertionError("arrays are read elsewhere");
        };
    }

    private Map<String, TensorInfo> readTensors(long count, int alignment) throws IOException {
        List<TensorInfo> relative = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            relative.add(readTensor(alignment));
        }
        long dataStart = alignUp(position(), alignment);
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        for (TensorInfo tensor : relative) {
            long left = source.size() - dataStart;
            if (tensor.offset() > left || tensor.bytes() > left - tensor.offset()) {
                throw new GgufException("the tensor '" + tensor.name() + "' reaches beyond the end of the file; is it truncated?");
            }
            TensorInfo placed = new TensorInfo(tensor.name(), tensor.type(), tensor.shape(), dataStart + tensor.offset(),
                    tensor.bytes());
            if (tensors.putIfAbsent(tensor.name(), placed) != null) {
                throw new GgufException("the tensor '" + tensor.name() + "' occurs twice");
            }
        }
        requireNoOverlap(tensors);
        return tensors;
    }

    private TensorInfo readTensor(int alignment) throws IOException {
        String name = readString("a tensor name", LONGEST_NAME);
        int dimensions = readInt();
        if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
            throw new GgufException("the tensor '" + name + "' has " + Integer.toUnsignedString(dimensions) + " dimensions, not 1 to "
                    + MOST_DIMENSIONS);
        }
        List<Long> shape = new ArrayList<>();
        long size = 1;
        for (int i = 0; i < dimensions; i++) {
            long dimension = readLong();
            if (dimension < 1 || dimension > Long.MAX_VALUE / 16 / size) {
                throw new GgufException("the tensor '" + name + "' has the absurd dimension " + Long.toUnsignedString(dimension));
            }
            shape.add(dimension);
            size *= dimension;
        }
        TensorType type = TensorType.of(readInt(), name);
        if (shape.get(0) % type.blockSize != 0) {
            throw new GgufException("the rows of tensor '" + name + "' have " + shape.get(0) + " weights, which is no multiple of "
                    + type.blockSize + " as " + type + " needs");
        }
        long offset = readLong();
        if (offset < 0 || offset % alignment != 0) {
            throw new GgufException("the tensor '" + name + "' lies at " + Long.toUnsignedString(offset)
                    + ", which is no multiple of the alignment " + alignment);
        }
        return new TensorInfo(name, type, List.copyOf(shape), offset, Math.multiplyExact(size / type.blockSize, type.blockBytes));
    }

    private static void requireNoOverlap(Map<String, TensorInfo> tensors) {
        List<TensorInfo> sorted = new ArrayList<>(tensors.values());
        sorted.sort(Comparator.comparingLong(TensorInfo::offset));
        for (int i = 1; i < sorted.size(); i++) {
            TensorInfo before = sorted.get(i - 1);
            if (before.offset() + before.bytes() > sorted.get(i).offset()) {
                throw new GgufException("the tensors '" + before.name() + "' and '" + sorted.get(i).name() + "' overlap");
            }
        }
    }

    private ValueType readType(String key) throws IOException {
        int id = readInt();
        if (id < 0 || id >= ValueType.values().length) {
            throw new GgufException("the metadata value '" + key + "' has the unknown type " + Integer.toUnsignedString(id));
        }
        return ValueType.values()[id];
    }

    /** A count of things that take at least {@code leastBytes} each. */
    private long readCount(String what, int leastBytes) throws IOException {
        long count = readLong();
        if (count < 0 || count > remaining() / leastBytes) {
            throw new GgufException("it announces " + Long.toUnsignedString(count) + " " + what + ", but only " + remaining()
                    + " bytes are left");
        }
        return count;
    }

    private String readString(String what, int longest) throws IOException {
        long length = readLong();
        if (length < 0 || length > remaining() || length > longest) {
            throw new GgufException(what + " is " + Long.toUnsignedString(length) + " bytes long, but only "
                    + Math.min(remaining(), longest) + " are possible here");
        }
        byte[] bytes = new byte[(int) length];
        int done = 0;
        while (done < bytes.length) {
            fill(1);
            int count = Math.min(buffer.remaining(), bytes.length - done);
            buffer.get(bytes, done, count);
            done += count;
        }
        return decoded(bytes, what);
    }

    /** A string decodes fast, with replacements for what is not UTF-8: only where it holds one, a decoder has to tell. */
    private static String decoded(byte[] bytes, String what) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (text.indexOf(REPLACEMENT) < 0) {
            return text;
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new GgufException(what + " is not valid UTF-8", e);
        }
    }

    private byte readByte() throws IOException {
        fill(1);
        return buffer.get();
    }

    private short readShort() throws IOException {
        fill(2);
        return buffer.getShort();
    }

    private int readInt() throws IOException {
        fill(4);
        return buffer.getInt();
    }

    private long readLong() throws IOException {
        fill(8);
        return buffer.getLong();
    }

    /** Has at least {@code bytes} in the buffer. */
    private void fill(int bytes) throws IOException {
        if (buffer.remaining() >= bytes) {
            return;
        }
        if (remaining() < bytes) {
            throw new GgufException("it ends in the middle of its header; is it truncated?");
        }
        if (position() > LARGEST_HEADER) {
            throw new GgufException("its header is longer than " + LARGEST_HEADER + " bytes");
        }
        byte[] window = new byte[(int) Math.min(WINDOW, remaining())];
        int kept = buffer.remaining();
        buffer.get(window, 0, kept);
        int read = source.read(ByteBuffer.wrap(window, kept, window.length - kept), bufferEnd);
        bufferEnd += read;
        buffer = ByteBuffer.wrap(window, 0, kept + read).order(ByteOrder.LITTLE_ENDIAN);
        if (buffer.remaining() < bytes) {
            throw new GgufException("it became shorter while it was read");
        }
    }

    private long position() {
        return bufferEnd - buffer.remaining();
    }

    private long remaining() {
        return source.size() - position();
    }

    private static long alignUp(long position, int alignment) {
        return (position + alignment - 1) / alignment * alignment;
    }
}
