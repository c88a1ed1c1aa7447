package elms.engine.model;

/** Where an adapter stands in a layer. All of them write rows of the model's width. */
public enum Place {
    /** Beside the identity, before q, k and v. */
    ATTENTION_INPUT("attn_input"),
    /** Beside o. */
    ATTENTION_OUTPUT("attn_output"),
    /** Beside the identity, before gate and up. */
    FEED_FORWARD_INPUT("ffn_input"),
    /** Beside down. */
    FEED_FORWARD_OUTPUT("ffn_output");

    private final String text;

    Place(String text) {
        this.text = text;
    }

    /** Whether it adds to the residual stream, where a level has biases. */
    boolean isOutput() {
        return this == ATTENTION_OUTPUT || this == FEED_FORWARD_OUTPUT;
    }

    /** What an adapter with all units reads. */
    public int columns(ModelConfig config) {
        return columns(config, config.heads(), config.neurons());
    }

    /** What an adapter reads in a layer that keeps so many units. */
    int columns(ModelConfig config, int heads, int neurons) {
        return switch (this) {
            case ATTENTION_INPUT -> config.width();
            case ATTENTION_OUTPUT -> heads * config.headDim();
            case FEED_FORWARD_INPUT -> neurons == 0 ? 0 : config.width();
            case FEED_FORWARD_OUTPUT -> neurons;
        };
    }

    /** Name of the matrix of a layer that reads, in a file. */
    public String down(int layer) {
        return "blk." + layer + ".adapter." + text + ".down";
    }

    /** Name of the matrix of a layer that writes, in a file. */
    public String up(int layer) {
        return "blk." + layer + ".adapter." + text + ".up";
    }

    /** Name of the scales of a layer's two matrices, in a file. */
    String scales(int layer) {
        return "blk." + layer + ".adapter." + text + ".scales";
    }
}
