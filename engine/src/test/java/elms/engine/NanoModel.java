package elms.engine;

import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorType;
import elms.engine.gguf.Value;
import elms.kernels.Half;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A random model of the Llama family, small and of odd shape, as a GGUF file. */
public record NanoModel(int layers, int width, int heads, int kvHeads, int headDim, int neurons, int vocabulary, boolean tied,
        TensorType type, long seed) {
    /** Nothing in it is a multiple of 16 but by chance. */
    public static final NanoModel ODD = new NanoModel(4, 43, 6, 2, 14, 75, 101, true, TensorType.F32, 1);

    /** As many heads as key/value heads, and an output head of its own. */
    public static final NanoModel MULTI_HEAD = new NanoModel(3, 40, 5, 5, 10, 33, 64, false, TensorType.F32, 2);

    /** In 4 bits, which need rows of whole blocks. */
    public static final NanoModel FOUR_BITS = new NanoModel(4, 96, 6, 3, 32, 160, 129, true, TensorType.Q4_1, 3);

    /** With the tokenizer of {@link NanoTokenizer}; its answers are noise. */
    public static final NanoModel CHAT = new NanoModel(6, 64, 4, 2, 16, 96, NanoTokenizer.VOCABULARY, true, TensorType.F32, 4);

    /** Writes {@link #CHAT} to a folder and prints its path. */
    public static void main(String[] folder) {
        System.out.println(CHAT.write(Path.of(folder[0])));
    }

    /** Writes the model to {@code folder} and returns its path. */
    public Path write(Path folder) {
        Path path = folder.resolve("nano-" + Long.toHexString(hashCode() * 31L + seed) + ".gguf");
        try {
            GgufWriter.write(path, metadata(), tensors());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return path;
    }

    /** Metadata of a usable file; tests may change it. */
    public Map<String, Value> metadata() {
        Map<String, Value> metadata = new LinkedHashMap<>();
        metadata.put("general.architecture", Value.of("llama"));
        metadata.put("llama.block_count", Value.uint32(layers));
        metadata.put("llama.context_length", Value.uint32(2048));
        metadata.put("llama.embedding_length", Value.uint32(width));
        metadata.put("llama.feed_forward_length", Value.uint32(neurons));
        metadata.put("llama.attention.head_count", Value.uint32(heads));
        metadata.put("llama.attention.head_count_kv", Value.uint32(kvHeads));
        metadata.put("llama.attention.key_length", Value.uint32(headDim));
        metadata.put("llama.rope.freq_base", Value.float32(10000));
        metadata.put("llama.attention.layer_norm_rms_epsilon", Value.float32(1e-5));
        if (vocabulary == NanoTokenizer.VOCABULARY) {
            metadata.putAll(NanoTokenizer.metadata());
        }
        return metadata;
    }

    /** Its tensors; tests may change them. */
    public List<GgufWriter.Tensor> tensors() {
        Random random = new Random(seed);
        List<GgufWriter.Tensor> tensors = new ArrayList<>();
        tensors.add(matrix("token_embd.weight", vocabulary, width, 1, random));
        for (int layer = 0; layer < layers; layer++) {
            String block = "blk." + layer + ".";
            tensors.add(norm(block + "attn_norm.weight", random));
            tensors.add(matrix(block + "attn_q.weight", heads * headDim, width, 1, random));
            tensors.add(matrix(block + "attn_k.weight", kvHeads * headDim, width, 1, random));
            tensors.add(matrix(block + "attn_v.weight", kvHeads * headDim, width, 1, random));
            tensors.add(matrix(block + "attn_output.weight", width, heads * headDim, 1, random));
            tensors.add(norm(block + "ffn_norm.weight", random));
            tensors.add(matrix(block + "ffn_gate.weight", neurons, width, 1.5, random));
            tensors.add(matrix(block + "ffn_up.weight", neurons, width, 1.5, random));
            tensors.add(matrix(block + "ffn_down.weight", width, neurons, 1, random));
        }
        tensors.add(norm("output_norm.weight", random));
        if (!tied) {
            tensors.add(matrix("output.weight", vocabulary, width, 1, random));
        }
        return tensors;
    }

    private GgufWriter.Tensor norm(String name, Random random) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * width).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < width; i++) {
            bytes.putFloat(0.8f + 0.4f * random.nextFloat());
        }
        return new GgufWriter.Tensor(name, TensorType.F32, List.of((long) width), bytes::flip);
    }

    private GgufWriter.Tensor matrix(String name, int rows, int columns, double gain, Random random) {
        double deviation = gain / Math.sqrt(columns);
        ByteBuffer bytes = ByteBuffer.allocate((int) (rows * type.rowBytes(columns))).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            switch (type) {
                case F32 -> bytes.putFloat((float) (random.nextGaussian() * deviation));
                case Q4_1 -> {
                    bytes.putShort(Half.fromFloat((float) (deviation / 4)));
                    bytes.putShort(Half.fromFloat((float) (-2 * deviation)));
                    for (int i = 0; i < 16; i++) {
                        bytes.put((byte) random.nextInt());
                    }
                }
                default -> throw new IllegalArgumentException("no random " + type);
            }
        }
        return new GgufWriter.Tensor(name, type, List.of((long) columns, (long) rows), bytes::flip);
    }
}
