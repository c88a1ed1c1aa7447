package elms.eval.planner;

import elms.eval.PairedDifference;
import java.util.List;
import java.util.Map;

/**
 * How well plans are predicted, chosen and carried out.
 *
 * @param promises what became of short requests under each of the paper's 48 SLOs
 * @param accuracy of every way to choose a plan, in percent: mean over tasks and SLOs
 */
public record PlannerReport(String model, Predictions latency, Map<String, Promise> promises, Overhead overhead,
        Map<String, Double> accuracy, Details details, List<Answered> headStart, List<Shortened> compression) {
    /**
     * Predicted against measured latencies; shares from 0 to 1.
     *
     * @param medianError of the expected TTFT and TPOT, relative to the measured ones
     * @param errors of either latency, and of TPOTs that were measured on few steps, those behind a head start
     * @param sloKept of the requests that were called feasible
     * @param feasible of all requests
     * @param sloKeptByTtft the same as {@code sloKept}, for each TTFT that is asked for, in hundredths of the full model's
     */
    public record Predictions(int requests, double medianError, double p95Error, Map<String, Errors> errors, double sloKept,
            double feasible, Map<Integer, Double> sloKeptByTtft) {}

    /**
     * Relative errors of some predictions, from 0 to 1.
     *
     * @param count of predictions
     */
    public record Errors(int count, double median, double p95) {}

    /**
     * Requests under one SLO; shares from 0 to 1.
     *
     * @param feasible of all requests
     * @param sloKept of those that were called feasible
     */
    public record Promise(double feasible, double sloKept) {}

    /**
     * The compact language model's time, as a share of the full model's TTFT on the same prompt of at least 256 tokens.
     *
     * @param shareOfTtft median
     */
    public record Overhead(double shareOfTtft, double largest) {}

    /**
     * What is behind the accuracies.
     *
     * @param questions of each task
     * @param bySlo accuracies of each SLO, mean over tasks
     * @param byTask accuracies of Elms, mean over SLOs
     * @param stderr of Elms' mean
     * @param elmsMinus by how much Elms' mean differs from every other policy's, in points, question by question
     */
    public record Details(int questions, Map<String, Map<String, Double>> bySlo, Map<String, Double> byTask, double stderr,
            Map<String, PairedDifference> elmsMinus) {}

    /**
     * Accuracy where the full model reads the whole prompt and gives some tokens of the answer, the smallest level the others; in
     * percent, mean over tasks.
     *
     * @param fullTokens of the answer's beginning; the first comes of reading the prompt
     */
    public record Answered(int fullTokens, double accuracy) {}

    /**
     * Accuracy of the full model on shortened prompts, in percent.
     *
     * @param kept share of what may be cut that is kept
     * @param examples on tasks whose examples are shortened
     * @param passages on questions about a passage that is shortened
     */
    public record Shortened(String method, double kept, double examples, double passages, int questions) {}
}
