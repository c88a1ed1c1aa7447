package elms.planner;

import elms.engine.model.SubModel;
import elms.planner.compact.Opinion;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;

/** Gives the tokens of one prompt to levels, in the ways that plans can have. */
public final class Shaper {
    private final Prompt prompt;
    private final Opinion opinion;
    private final List<SubModel> levels;
    private final List<Segment> segments;
    /** What may be dropped, what matters most first. */
    private final List<Segment> ranked;

    /**
     * @param levels of the model
     */
    public Shaper(Prompt prompt, Opinion opinion, List<SubModel> levels) {
        this.prompt = prompt;
        this.opinion = opinion;
        this.levels = levels;
        segments = Segment.of(prompt, opinion);
        ranked = segments.stream().filter(Segment::cuttable).sorted(Comparator.comparingDouble(Segment::keep).reversed()).toList();
    }

    /** Keeps the segments that matter most, as far as the shape has room for them. */
    public Assignment segments(PlanShape shape) {
        SubModel level = nearest(shape.level());
        List<SubModel> assigned = new ArrayList<>();
        int room = (int) Math.round(shape.kept() * cuttableTokens());
        for (Segment segment : ranked) {
            boolean kept = segment.tokens() <= room;
            assigned.add(kept ? level : null);
            room -= kept ? segment.tokens() : 0;
        }
        return Assignment.of(prompt, nearest(shape.questionLevel()), ranked, assigned)
                .raised(prompt.tokens() - PlanShape.END, prompt.tokens(), nearest(shape.endLevel()));
    }

    /** Keeps the words that matter most, and reads all at one level. */
    public Assignment words(PlanShape shape) {
        int most = prompt.tokens() - (int) Math.round((1 - shape.kept()) * cuttableTokens());
        return Assignment.some(prompt, WordCompression.kept(prompt, opinion, most), nearest(shape.level()));
    }

    /**
     * Spends what an assignment leaves of the time: first on the level of the question, then, what matters most first, on reading
     * segments at that level, then on segments that were dropped.
     *
     * @param fits whether an assignment keeps the SLO
     */
    public Assignment filled(Assignment assignment, Predicate<Assignment> fits) {
        Assignment best = assignment;
        SubModel question = segments.stream().filter(segment -> !segment.cuttable()).map(assignment::level).findFirst().orElse(levels.get(0));
        for (SubModel level : levels) {
            if (level.share() <= question.share()) {
                break;
            }
            Assignment raised = best;
            for (Segment segment : segments) {
                raised = segment.cuttable() ? raised : raised.raised(segment.from(), segment.to(), level);
            }
            if (fits.test(raised)) {
                best = raised;
                question = level;
                break;
            }
        }
        SubModel rest = ranked.stream().map(assignment::level).filter(level -> level != null).findFirst().orElse(question);
        best = raised(best, question, rest, fits);
        return raised(best, rest, null, fits);
    }

    /** Segments that one level reads, or none, are read by another as far as that fits. */
    private Assignment raised(Assignment assignment, SubModel to, SubModel from, Predicate<Assignment> fits) {
        Assignment best = assignment;
        for (Segment segment : ranked) {
            if (best.level(segment) == from && from != to) {
                Assignment raised = from == null ? best.with(segment, to) : best.raised(segment.from(), segment.to(), to);
                best = fits.test(raised) ? raised : best;
            }
        }
        return best;
    }

    private int cuttableTokens() {
        return ranked.stream().mapToInt(Segment::tokens).sum();
    }

    private SubModel nearest(double share) {
        return SubModel.nearest(levels, share);
    }
}
