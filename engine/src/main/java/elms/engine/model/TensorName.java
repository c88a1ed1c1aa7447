package elms.engine.model;

import java.util.ArrayList;
import java.util.List;

/**
 * A tensor of a model of the Llama family.
 *
 * @param layer which decoder layer, or -1 for a tensor of the whole model
 */
public record TensorName(Role role, int layer) {
    static final String ROPE_FACTORS = "rope_freqs.weight";

    /** What a tensor is for. */
    public enum Role {
        EMBEDDING("token_embd"), OUTPUT_NORM("output_norm"), OUTPUT("output"),
        ATTENTION_NORM("attn_norm"), Q("attn_q"), K("attn_k"), V("attn_v"), O("attn_output"),
        FEED_FORWARD_NORM("ffn_norm"), GATE("ffn_gate"), UP("ffn_up"), DOWN("ffn_down");

        private final String text;

        Role(String text) {
            this.text = text;
        }

        boolean isVector() {
            return this == OUTPUT_NORM || this == ATTENTION_NORM || this == FEED_FORWARD_NORM;
        }
    }

    private static final List<Role> OF_LAYER = List.of(Role.ATTENTION_NORM, Role.Q, Role.K, Role.V, Role.O,
            Role.FEED_FORWARD_NORM, Role.GATE, Role.UP, Role.DOWN);

    static TensorName of(Role role) {
        return new TensorName(role, -1);
    }

    /** All tensors of a model, in the order of a forward pass. */
    public static List<TensorName> all(ModelConfig config) {
        List<TensorName> names = new ArrayList<>();
        names.add(of(Role.EMBEDDING));
        for (int layer = 0; layer < config.layers(); layer++) {
            for (Role role : OF_LAYER) {
                names.add(new TensorName(role, layer));
            }
        }
        names.add(of(Role.OUTPUT_NORM));
        if (!config.tiedOutput()) {
            names.add(of(Role.OUTPUT));
        }
        return names;
    }

    /** The name in a GGUF file. */
    public String text() {
        return (layer < 0 ? "" : "blk." + layer + ".") + role.text + ".weight";
    }

    /** Inputs of the matrix, or length of the vector. */
    public int columns(ModelConfig config) {
        return switch (role) {
            case O -> config.heads() * config.headDim();
            case DOWN -> config.neurons();
            default -> config.width();
        };
    }

    /** Outputs of the matrix; 1 for a vector. */
    public int rows(ModelConfig config) {
        return switch (role) {
            case EMBEDDING, OUTPUT -> config.vocabulary();
            case Q -> config.heads() * config.headDim();
            case K, V -> config.kvHeads() * config.headDim();
            case O, DOWN -> config.width();
            case GATE, UP -> config.neurons();
            case OUTPUT_NORM, ATTENTION_NORM, FEED_FORWARD_NORM -> 1;
        };
    }
}
