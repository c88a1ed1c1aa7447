package elms.service;

import elms.planner.Plan;

/** Follows a request while it runs. Called on the thread that made the request. */
public interface Listener {
    /** Follows nothing. */
    Listener NONE = text -> {};

    /** The next piece of the answer. */
    void text(String piece);

    /** The plan, before anything is computed. */
    default void planned(Plan plan) {}

    /** Asked before every token: whether to end the answer here. */
    default boolean cancelled() {
        return false;
    }
}
