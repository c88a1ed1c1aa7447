package elms.engine.decode;

/** Sees the activations of a forward pass, where units can be told apart. Arrays are reused: read them at once. */
public interface Probe {
    /** Sees nothing. */
    Probe NONE = new Probe() {};

    /**
     * The residual stream before a layer, tokens rows of the model's width; behind the last layer, {@code layer} is their number.
     */
    default void stream(int layer, float[] x, int tokens) {}

    /** Outputs of a layer's query heads before the o matrix: tokens rows of heads · headDim floats. */
    default void heads(int layer, float[] attended, int tokens) {}

    /** Outputs of a layer's neurons before the down matrix: tokens rows of as many floats. */
    default void neurons(int layer, float[] activations, int tokens) {}
}
