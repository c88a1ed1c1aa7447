package elms.service;

import java.util.List;

/** What the engine does next, in one pass of the model. */
sealed interface Work {
    /**
     * Reads a piece of a prompt.
     *
     * @param riders streams on the same level, which get their next token in the same pass
     */
    record Read(Job job, int tokens, List<Job> riders) implements Work {}

    /** Gives streams on one level their next token. */
    record Step(List<Job> streams) implements Work {}
}
