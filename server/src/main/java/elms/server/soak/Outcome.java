package elms.server.soak;

/** How a visit ended. */
enum Outcome {
    /** A pinned answer that is the engine's. */
    RIGHT,
    /** A pinned answer that is not the engine's. */
    WRONG,
    /** An answer as the planner chose, within its SLO. */
    IN_TIME,
    /** An answer as the planner chose, later than its SLO. */
    LATE,
    /** Refused, as it had to be, or could be. */
    REFUSED,
    /** The client went before it had all of the answer; what had come was right. */
    GONE,
    /** Anything else. */
    FAILED
}
