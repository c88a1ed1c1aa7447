package elms.eval.planner;

import elms.eval.PairedDifference;
import elms.eval.planner.PlannerReport.Shortened;
import java.util.List;
import java.util.Map;

/**
 * What planners that were trained otherwise are worth.
 *
 * @param questions of each task
 * @param decided by each decision head
 * @param compression of prompts, read by the full model, by every score head and other ways
 */
public record AblationReport(String model, int questions, Map<String, Decided> decided, List<Shortened> compression) {
    /** Name of the mean over tasks. */
    public static final String MEAN = "mean";

    /**
     * What a decision head's plans answer, over the paper's SLOs.
     *
     * @param accuracy in percent, on each task and in the mean
     * @param againMinus by how much the decision head that was trained as the pack's is better, in points, question by question
     */
    public record Decided(Map<String, Double> accuracy, Map<String, PairedDifference> againMinus) {}
}
