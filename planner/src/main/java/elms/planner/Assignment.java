package elms.planner;

import elms.engine.model.SubModel;
import elms.planner.LatencyModel.Part;
import elms.planner.Plan.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/** Which level reads each token of a prompt; none reads those that are dropped. */
public final class Assignment {
    private final Prompt prompt;
    private final SubModel[] levels;
    private final List<Part> parts = new ArrayList<>();

    private Assignment(Prompt prompt, SubModel[] levels) {
        this.prompt = prompt;
        this.levels = levels;
        int count = 0;
        SubModel present = null;
        for (SubModel level : levels) {
            if (level != null && level != present && count > 0) {
                parts.add(new Part(present, count));
                count = 0;
            }
            present = level == null ? present : level;
            count += level == null ? 0 : 1;
        }
        if (count > 0) {
            parts.add(new Part(present, count));
        }
    }

    /** One level for everything. */
    public static Assignment all(Prompt prompt, SubModel level) {
        SubModel[] levels = new SubModel[prompt.tokens()];
        Arrays.fill(levels, level);
        return new Assignment(prompt, levels);
    }

    /**
     * One level for what is in no segment, and for each segment its own.
     *
     * @param levels of the segments; null drops one
     */
    static Assignment of(Prompt prompt, SubModel rest, List<Segment> segments, List<SubModel> levels) {
        SubModel[] all = new SubModel[prompt.tokens()];
        Arrays.fill(all, rest);
        for (int i = 0; i < segments.size(); i++) {
            Arrays.fill(all, segments.get(i).from(), segments.get(i).to(), levels.get(i));
        }
        return new Assignment(prompt, all);
    }

    /** One level for some tokens; the others are dropped. */
    public static Assignment some(Prompt prompt, BitSet kept, SubModel level) {
        SubModel[] levels = new SubModel[prompt.tokens()];
        kept.stream().forEach(token -> levels[token] = level);
        return new Assignment(prompt, levels);
    }

    /** The same, but for one segment. */
    public Assignment with(Segment segment, SubModel level) {
        SubModel[] changed = levels.clone();
        Arrays.fill(changed, segment.from(), segment.to(), level);
        return new Assignment(prompt, changed);
    }

    /** The same, but what is read of the tokens [from, to) is read by at least that level. */
    Assignment raised(int from, int to, SubModel level) {
        SubModel[] changed = levels.clone();
        for (int token = Math.max(0, from); token < to; token++) {
            changed[token] = changed[token] != null && changed[token].share() < level.share() ? level : changed[token];
        }
        return new Assignment(prompt, changed);
    }

    /** The level that reads a segment's beginning, or null. */
    SubModel level(Segment segment) {
        return levels[segment.from()];
    }

    /** Tokens that are read. */
    public int tokens() {
        return parts.stream().mapToInt(Part::tokens).sum();
    }

    /** Tokens that are read, each counted by the share of the level that reads it. */
    double work() {
        return parts.stream().mapToDouble(part -> part.tokens() * part.level().share()).sum();
    }

    /** What the latency model needs to know. */
    public List<Part> parts() {
        return Collections.unmodifiableList(parts);
    }

    /** What a plan says. */
    public List<Span> spans() {
        int[] read = IntStream.range(0, levels.length).filter(token -> levels[token] != null)
                .map(token -> prompt.encoding().ids()[token]).toArray();
        List<Span> spans = new ArrayList<>();
        int from = 0;
        for (Part part : parts) {
            spans.add(new Span(Arrays.copyOfRange(read, from, from + part.tokens()), part.level()));
            from += part.tokens();
        }
        return spans;
    }
}
