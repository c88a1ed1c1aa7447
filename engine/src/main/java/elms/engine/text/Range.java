package elms.engine.text;

/**
 * A piece of a text, in UTF-16 units.
 *
 * @param end behind the last unit; at least {@code start}
 */
public record Range(int start, int end) {
    public Range {
        if (start < 0 || end < start) {
            throw new IllegalArgumentException("no piece of a text from " + start + " to " + end);
        }
    }

    /** Whether both share a unit. */
    public boolean overlaps(Range other) {
        return start < other.end && other.start < end;
    }
}
