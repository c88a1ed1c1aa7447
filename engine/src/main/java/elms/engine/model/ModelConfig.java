package elms.engine.model;

import elms.engine.ElmsException;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.Metadata;
import elms.engine.gguf.TensorInfo;
import java.util.List;

/**
 * The shape of a decoder of the Llama family: grouped-query attention with rotary positions, RMSNorm, SwiGLU.
 *
 * @param layers number of decoder layers
 * @param width of the residual stream
 * @param heads query heads a layer
 * @param kvHeads key/value heads a layer; heads is a multiple of it
 * @param headDim dimensions of a head
 * @param neurons of the feed-forward block
 * @param vocabulary number of tokens
 * @param context positions the model was made for
 * @param ropeDims dimensions of a head that are rotated; even
 * @param ropeBase base of the rotary frequencies
 * @param ropeScale positions are divided by it (linear scaling)
 * @param epsilon of RMSNorm
 * @param tiedOutput whether the output head is the embedding matrix
 */
public record ModelConfig(int layers, int width, int heads, int kvHeads, int headDim, int neurons, int vocabulary, int context,
        int ropeDims, float ropeBase, float ropeScale, float epsilon, boolean tiedOutput) {
    private static final int MOST = 1 << 20;

    /** Reads and checks the shape of a model; throws {@link ElmsException} if it is none that Elms runs. */
    public static ModelConfig of(GgufFile file) {
        Metadata metadata = file.metadata();
        String architecture = metadata.required("general.architecture", metadata.string("general.architecture"));
        if (!architecture.equals("llama")) {
            throw new ElmsException(file.path() + " is a model of the family '" + architecture
                    + "', which is not supported yet; 'llama' is");
        }
        Reader reader = new Reader(metadata);
        int width = reader.required("embedding_length");
        int heads = reader.required("attention.head_count");
        int headDim = reader.optional("attention.key_length", width / heads);
        reader.requireAbsentOrZero("expert_count");
        reader.requireScaling();
        TensorInfo embedding = file.tensor("token_embd.weight");
        ModelConfig config = new ModelConfig(
                reader.required("block_count"), width, heads, reader.optional("attention.head_count_kv", heads), headDim,
                reader.required("feed_forward_length"), Math.toIntExact(embedding.rows()), reader.required("context_length"),
                reader.optional("rope.dimension_count", headDim), (float) reader.number("rope.freq_base", 10000),
                (float) reader.number("rope.scaling.factor", 1), (float) reader.number("attention.layer_norm_rms_epsilon", 1e-5),
                file.find("output.weight").isEmpty());
        config.check(file);
        return config;
    }

    private void check(GgufFile file) {
        if (heads % kvHeads != 0) {
            throw new ElmsException(file.path() + " has " + heads + " heads, which is no multiple of its " + kvHeads
                    + " key/value heads");
        }
        if (ropeDims % 2 != 0 || ropeDims > headDim) {
            throw new ElmsException(file.path() + " rotates " + ropeDims + " of " + headDim + " dimensions, which is impossible");
        }
        for (TensorName name : TensorName.all(this)) {
            TensorInfo tensor = file.tensor(name.text());
            if (tensor.columns() != name.columns(this) || tensor.rows() != name.rows(this)) {
                throw new ElmsException(file.path() + " has the tensor '" + tensor.name() + "' of " + tensor.rows() + "×"
                        + tensor.columns() + ", but its metadata asks for " + name.rows(this) + "×" + name.columns(this));
            }
        }
        List<String> known = TensorName.all(this).stream().map(TensorName::text).toList();
        for (String name : file.tensors().keySet()) {
            if (!known.contains(name) && !name.equals(TensorName.ROPE_FACTORS)) {
                throw new ElmsException(file.path() + " has the tensor '" + name + "', which no model of the family 'llama' has");
            }
        }
    }

    /** Weights of one query head: its rows of q and its columns of o. */
    public long headWeights() {
        return 2L * width * headDim;
    }

    /** Weights of one neuron: its rows of gate and up, its column of down. */
    public long neuronWeights() {
        return 3L * width;
    }

    /** Weights of a layer that every level keeps: k and v. */
    public long fixedWeights() {
        return 2L * width * kvHeads * headDim;
    }

    /** Weights of all decoder layers. */
    public long decoderWeights() {
        return layers * (fixedWeights() + heads * headWeights() + neurons * neuronWeights());
    }

    /** Weights of the output head. */
    public long outputWeights() {
        return (long) vocabulary * width;
    }

    private record Reader(Metadata metadata) {
        int required(String key) {
            return metadata.required("llama." + key, metadata.integer("llama." + key, 1, MOST));
        }

        int optional(String key, int otherwise) {
            return metadata.integer("llama." + key, 1, MOST).orElse(otherwise);
        }

        double number(String key, double otherwise) {
            double value = metadata.number("llama." + key).orElse(otherwise);
            if (value <= 0) {
                throw new ElmsException("the metadata value 'llama." + key + "' is " + value + ", but must be positive");
            }
            return value;
        }

        void requireAbsentOrZero(String key) {
            if (metadata.integer("llama." + key, 0, MOST).orElse(0) != 0) {
                throw new ElmsException("it is a mixture of experts, which is not supported");
            }
        }

        void requireScaling() {
            String scaling = metadata.string("llama.rope.scaling.type").orElse("none");
            if (!scaling.equals("none") && !scaling.equals("linear")) {
                throw new ElmsException("it scales rotary positions by '" + scaling + "', which is not supported yet");
            }
        }
    }
}
