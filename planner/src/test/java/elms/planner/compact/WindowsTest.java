package elms.planner.compact;

import static org.assertj.core.api.Assertions.assertThat;

import elms.planner.compact.Windows.Window;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class WindowsTest {
    private static final int ROOM = 510;

    @Property
    void everyPieceIsScoredOnceAndEveryWindowHasRoom(@ForAll @IntRange(min = 0, max = 5000) int pieces) {
        int[] scored = new int[pieces];
        List<Window> windows = Windows.of(pieces, ROOM);
        for (Window window : windows) {
            assertThat(window.members().length).isLessThanOrEqualTo(ROOM);
            for (int i = window.from(); i < window.to(); i++) {
                scored[window.members()[i]]++;
            }
        }
        assertThat(scored).containsOnly(pieces == 0 ? new int[0] : new int[] {1});
        assertThat(windows).allMatch(window -> pieces == 0 || window.members()[window.members().length - 1] == pieces - 1);
    }
}
