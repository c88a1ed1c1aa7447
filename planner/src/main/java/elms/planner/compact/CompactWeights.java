package elms.planner.compact;

import elms.engine.ElmsException;
import elms.engine.gguf.FloatRows;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.Metadata;
import elms.engine.gguf.TensorInfo;
import elms.engine.gguf.TensorReader;
import elms.kernels.Form;
import elms.kernels.MatrixPacker;
import java.util.ArrayList;
import java.util.List;

/**
 * Parameters of a compact language model, as a pack carries them.
 *
 * @param vocabulary word pieces; the number of a piece is its row of the embedding
 * @param words embedding of the pieces, read row by row where the file has them
 * @param positions embedding of the places in a window
 * @param kinds embedding of what may be cut and of what may not
 * @param layer shared by both heads
 * @param score of a piece
 * @param decisionHidden first half of the decision head
 * @param decision second half
 */
public record CompactWeights(String[] vocabulary, int heads, TensorReader words, float[][] positions, float[][] kinds,
        LayerNorm embeddingNorm, EncoderLayer layer, Affine score, Affine decisionHidden, Affine decision) {
    public static final String VOCABULARY = "elms.planner.vocabulary";
    public static final String HEADS = "elms.planner.heads";
    public static final String WORDS = "planner.words";
    public static final String POSITIONS = "planner.positions";
    public static final String KINDS = "planner.kinds";
    public static final String EMBEDDING_NORM = "planner.embedding_norm";
    public static final String SCORE = "planner.score";
    public static final String DECISION_HIDDEN = "planner.decision_hidden";
    public static final String DECISION = "planner.decision";
    private static final String TENSORS = "planner.";

    /** Name of a part of the layer. */
    public static String layer(String part) {
        return "planner.layer." + part;
    }

    /** Whether a tensor of a pack is one of these parameters. */
    public static boolean isPart(String tensor) {
        return tensor.startsWith(TENSORS);
    }

    public int width() {
        return positions[0].length;
    }

    /**
     * Whether a pack carries parameters.
     *
     * @throws ElmsException if they are those of an encoder with two layers, as packs once had
     */
    public static boolean isIn(GgufFile file) {
        boolean there = file.find(WORDS).isPresent();
        if (there && file.find(layer("query") + ".weight").isEmpty()) {
            throw new ElmsException(file.path() + " has a planner of an earlier version; make it anew with elms elasticize MODEL --only planner"
                    + " --calibration FILE...");
        }
        return there;
    }

    /**
     * Reads the parameters that a pack carries.
     *
     * @throws ElmsException if they are damaged or do not fit each other
     */
    public static CompactWeights read(GgufFile file) {
        Metadata metadata = file.metadata();
        String[] vocabulary = metadata.required(VOCABULARY, metadata.strings(VOCABULARY));
        TensorInfo words = file.tensor(WORDS);
        float[][] positions = rows(file, POSITIONS);
        int width = positions[0].length;
        int heads = metadata.required(HEADS, metadata.integer(HEADS, 1, width));
        EncoderLayer layer = new EncoderLayer(affine(file, layer("query"), layer("key"), layer("value")), affine(file, layer("output")),
                norm(file, layer("attention_norm")), affine(file, layer("up")), affine(file, layer("down")),
                norm(file, layer("feed_forward_norm")));
        CompactWeights weights = new CompactWeights(vocabulary, heads, new TensorReader(file, words), positions, rows(file, KINDS),
                norm(file, EMBEDDING_NORM), layer, affine(file, SCORE), affine(file, DECISION_HIDDEN), affine(file, DECISION));
        if (words.rows() != vocabulary.length || words.columns() != width || width % heads != 0 || weights.kinds.length != 2) {
            throw new ElmsException(file.path() + " has a planner whose parts do not fit each other");
        }
        return weights;
    }

    private static float[][] rows(GgufFile file, String name) {
        return FloatRows.read(file, file.tensor(name));
    }

    private static float[] row(GgufFile file, String name) {
        return rows(file, name)[0];
    }

    private static LayerNorm norm(GgufFile file, String name) {
        return new LayerNorm(row(file, name + ".weight"), row(file, name + ".bias"));
    }

    /** One or several, one below the other. */
    private static Affine affine(GgufFile file, String... names) {
        List<float[]> rows = new ArrayList<>();
        List<Float> biases = new ArrayList<>();
        for (String name : names) {
            rows.addAll(List.of(rows(file, name + ".weight")));
            for (float bias : row(file, name + ".bias")) {
                biases.add(bias);
            }
        }
        if (biases.size() != rows.size()) {
            throw new ElmsException(file.path() + " has a planner with " + rows.size() + " rows of '" + names[0] + "', but "
                    + biases.size() + " biases");
        }
        MatrixPacker packer = new MatrixPacker(Form.Q8, rows.size(), rows.get(0).length);
        float[] bias = new float[rows.size()];
        for (int row = 0; row < bias.length; row++) {
            packer.putRow(row, rows.get(row));
            bias[row] = biases.get(row);
        }
        return new Affine(packer.matrix(), bias);
    }
}
