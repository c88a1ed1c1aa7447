package elms.service;

import elms.planner.Plan;

/** Follows a request while it runs. Called on the thread that made the request. */
public interface Listener {
    /** Follows nothing. */
    Listener NONE = text -> {};

    /**
     * Comes first.
     *
     * @param cancel ends the answer, from any thread, at any time
     */
    default void begun(Runnable cancel) {}

    /** The next piece of the answer. */
    void text(String piece);

    /**
     * How likely the level that answers finds a token, before penalties, filters and constraints. Comes before the text that
     * shows the token; what is not shown, such as a stop string, is not scored. Only if the request asks for it.
     */
    default void scored(TokenScore score) {}

    /** The plan, before anything is computed. */
    default void planned(Plan plan) {}
}
