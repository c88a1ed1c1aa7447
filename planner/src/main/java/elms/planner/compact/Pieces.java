package elms.planner.compact;

import elms.engine.text.Encoding;

/** Cuts text into the word pieces that a {@link CompactLm} reads. */
@FunctionalInterface
public interface Pieces {
    Encoding encode(String text);
}
