package elms.service;

/** Holds an answer to a form, such as JSON of some schema. One for each request; called on the engine's thread, so quick. */
public interface Constraint {
    /** Gives minus infinity to every token that may not come next. At least one token must keep its score. */
    void restrict(float[] logits);

    /** The token that came. */
    void accept(int token);
}
