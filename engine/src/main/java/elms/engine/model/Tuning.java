package elms.engine.model;

import elms.engine.ElmsException;
import elms.engine.gguf.FloatRows;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorType;
import java.util.List;

/**
 * What recovery taught one level, besides the adapters that it shares: rows of the model's width, one a layer.
 *
 * @param rank of the shared adapters that the level uses
 */
public record Tuning(int rank, float[][] attentionNorm, float[][] attentionBias, float[][] feedForwardNorm,
        float[][] feedForwardBias) {
    /** What its rows are called in a file. */
    public static final List<String> ROWS = List.of("attn_norm", "attn_bias", "ffn_norm", "ffn_bias");

    /** Name of some of its rows in a file, for the {@code index}-th level of a pack. */
    public static String name(int index, String rows) {
        return "level." + index + "." + rows;
    }

    /** Tensors to write for the {@code index}-th level of a pack. */
    public List<GgufWriter.Tensor> tensors(int index, TensorType type) {
        return List.of(FloatRows.tensor(name(index, "attn_norm"), type, attentionNorm),
                FloatRows.tensor(name(index, "attn_bias"), type, attentionBias),
                FloatRows.tensor(name(index, "ffn_norm"), type, feedForwardNorm),
                FloatRows.tensor(name(index, "ffn_bias"), type, feedForwardBias));
    }

    static boolean isIn(GgufFile file, int index) {
        return file.find(name(index, "attn_norm")).isPresent();
    }

    /** Reads what {@link #tensors} wrote. */
    public static Tuning read(GgufFile file, int index, int rank) {
        return new Tuning(rank, rows(file, index, "attn_norm"), rows(file, index, "attn_bias"), rows(file, index, "ffn_norm"),
                rows(file, index, "ffn_bias"));
    }

    private static float[][] rows(GgufFile file, int index, String what) {
        return FloatRows.read(file, file.tensor(name(index, what)));
    }

    /** The biases of a place in a layer. */
    float[] bias(Place place, int layer) {
        return switch (place) {
            case ATTENTION_OUTPUT -> attentionBias[layer];
            case FEED_FORWARD_OUTPUT -> feedForwardBias[layer];
            case ATTENTION_INPUT, FEED_FORWARD_INPUT -> new float[attentionBias[layer].length];
        };
    }

    void check(ModelConfig config) {
        for (float[][] rows : List.of(attentionNorm, attentionBias, feedForwardNorm, feedForwardBias)) {
            if (rows.length != config.layers() || rows[0].length != config.width()) {
                throw new ElmsException("a level is tuned for " + rows.length + " layers, but the model has " + config.layers()
                        + " of width " + config.width());
            }
        }
    }
}
