package elms.planner;

import java.util.ArrayDeque;
import java.util.Deque;

/** How long the compact language model takes for a token of a prompt: the middle of the last readings. Thread-safe. */
final class ReadingPace {
    private static final int REMEMBERED = 7;

    private final Deque<Double> last = new ArrayDeque<>();

    /** What reading a prompt of so many tokens will take, in milliseconds; nothing before anything was read. */
    synchronized double millis(int tokens) {
        return last.isEmpty() ? 0 : tokens * last.stream().sorted().skip(last.size() / 2).findFirst().orElseThrow();
    }

    /** Takes note of a reading. */
    synchronized void observe(int tokens, double millis) {
        last.addLast(millis / tokens);
        if (last.size() > REMEMBERED) {
            last.removeFirst();
        }
    }
}
