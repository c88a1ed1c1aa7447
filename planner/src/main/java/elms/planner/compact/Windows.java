package elms.planner.compact;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Cuts a long text into windows that an encoder can read. Neighbours overlap, and each ends with the end of the text, where the
 * question stands.
 */
final class Windows {
    /** Pieces that two neighbours share; each scores the half that lies deeper in it. */
    private static final int OVERLAP = 32;
    /** Pieces of the text's end that every window reads. */
    private static final int TAIL = 48;

    /**
     * One window.
     *
     * @param members numbers of the pieces that it reads
     * @param from first member that it scores
     * @param to behind the last one
     */
    record Window(int[] members, int from, int to) {}

    private Windows() {}

    /**
     * @param pieces of the text
     * @param room most pieces of a window
     */
    static List<Window> of(int pieces, int room) {
        if (pieces <= room) {
            return List.of(new Window(IntStream.range(0, pieces).toArray(), 0, pieces));
        }
        List<Window> windows = new ArrayList<>();
        int run = room - TAIL;
        int body = pieces - TAIL;
        for (int start = 0; ; start += run - OVERLAP) {
            int end = Math.min(body, start + run);
            boolean last = end == body;
            int[] members = IntStream.concat(IntStream.range(start, end), IntStream.range(body, pieces)).toArray();
            windows.add(new Window(members, start == 0 ? 0 : OVERLAP / 2, last ? members.length : end - start - OVERLAP / 2));
            if (last) {
                return windows;
            }
        }
    }
}
