package elms.server.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Follows a grammar byte by byte. A state is a set of stacks of what may come next; states and the ways between them are found
 * when they are first needed, so that most bytes cost one look-up. For one thread.
 */
final class Automaton {
    /** No text of the grammar goes on like this. */
    static final int DEAD = -1;

    private static final int UNKNOWN = -2;
    private static final int BYTES = 256;
    /** Deepest nesting; text that goes deeper is not allowed. */
    private static final int DEEPEST = 200;
    private static final int END = 0;

    /** A stack of rules: the one that comes next, and what follows it. */
    private record Frame(int id, Rule rule, Frame next, int depth) {}

    private final List<Frame> frames = new ArrayList<>();
    private final Map<Rule, Map<Integer, Frame>> known = new IdentityHashMap<>();
    private final Map<List<Integer>, Integer> states = new HashMap<>();
    private final List<int[]> stacks = new ArrayList<>();
    private final List<int[]> ways = new ArrayList<>();
    private final int start;

    Automaton(Rule grammar) {
        Frame end = new Frame(END, null, null, 0);
        frames.add(end);
        TreeSet<Integer> first = new TreeSet<>();
        expand(grammar, end, first, new TreeSet<>());
        start = state(first);
    }

    int start() {
        return start;
    }

    /** Whether the text may end here. */
    boolean ends(int state) {
        return stacks.get(state).length > 0 && stacks.get(state)[0] == END;
    }

    /** The state after a byte, or {@link #DEAD}. */
    int next(int state, int value) {
        int next = ways.get(state)[value];
        if (next == UNKNOWN) {
            TreeSet<Integer> after = new TreeSet<>();
            for (int id : stacks.get(state)) {
                Frame frame = frames.get(id);
                if (frame.rule instanceof Rule.AnyOf set && set.has(value)) {
                    resume(frame.next, after, new TreeSet<>());
                }
            }
            next = after.isEmpty() ? DEAD : state(after);
            ways.get(state)[value] = next;
        }
        return next;
    }

    private int state(TreeSet<Integer> ids) {
        return states.computeIfAbsent(List.copyOf(ids), key -> {
            stacks.add(key.stream().mapToInt(Integer::intValue).toArray());
            int[] unknown = new int[BYTES];
            Arrays.fill(unknown, UNKNOWN);
            ways.add(unknown);
            return stacks.size() - 1;
        });
    }

    private void resume(Frame frame, TreeSet<Integer> found, TreeSet<Integer> seen) {
        if (frame.id == END) {
            found.add(END);
        } else {
            expand(frame.rule, frame.next, found, seen);
        }
    }

    /** Finds the stacks that begin with a byte, where a rule comes next. */
    private void expand(Rule rule, Frame next, TreeSet<Integer> found, TreeSet<Integer> seen) {
        if (next.depth > DEEPEST) {
            return;
        }
        switch (rule) {
            case Rule.AnyOf set -> found.add(frame(set, next).id);
            case Rule.Choice choice -> choice.rules().forEach(one -> expand(one, next, found, seen));
            case Rule.Sequence sequence -> {
                Frame rest = next;
                for (int i = sequence.rules().size() - 1; i > 0; i--) {
                    rest = frame(sequence.rules().get(i), rest);
                }
                if (sequence.rules().isEmpty()) {
                    resume(rest, found, seen);
                } else {
                    expand(sequence.rules().getFirst(), rest, found, seen);
                }
            }
            case Rule.Reference reference -> {
                if (seen.add(frame(reference, next).id)) {
                    expand(reference.target(), next, found, seen);
                }
            }
        }
    }

    private Frame frame(Rule rule, Frame next) {
        return known.computeIfAbsent(rule, own -> new HashMap<>()).computeIfAbsent(next.id, id -> {
            Frame frame = new Frame(frames.size(), rule, next, next.depth + 1);
            frames.add(frame);
            return frame;
        });
    }
}
