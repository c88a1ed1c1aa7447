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

    /** The plan, before anything is computed. */
    default void planned(Plan plan) {}
}
