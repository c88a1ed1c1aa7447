package elms.eval.planner;

import elms.engine.ElasticModel;
import elms.engine.decode.Transformer;
import elms.eval.planner.PlannerReport.Details;
import elms.eval.planner.QuestionTrial.Policy;
import elms.eval.planner.QuestionTrial.Result;
import elms.kernels.Kernels;
import elms.planner.LatencyModel;
import elms.planner.PlanShape;
import elms.planner.compact.PromptReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleConsumer;

/** Accuracy of ways to choose a plan, on some tasks, each under every SLO. */
final class PolicyAccuracy {
    /** Means over tasks and SLOs, and what is behind them. */
    record Measured(Map<String, Double> accuracy, Details details) {}

    private final QuestionTrial trial;
    private final DoubleConsumer progress;

    PolicyAccuracy(ElasticModel model, Kernels kernels, LatencyModel latency, PromptReader reader, DoubleConsumer progress) {
        this.trial = new QuestionTrial(model, new Transformer(model.weights(), kernels), latency, reader);
        this.progress = progress;
    }

    Measured measure(List<FewShotTask> tasks, int limit) {
        List<SloPair> slos = SloPair.APPS;
        List<List<Result>> results = new ArrayList<>();
        for (int i = 0; i < tasks.size(); i++) {
            FewShotTask task = tasks.get(i);
            int count = Math.min(limit, task.questions().size());
            List<Result> own = new ArrayList<>();
            for (int question = 0; question < count; question++) {
                progress.accept((i + (double) question / count) / tasks.size());
                own.add(trial.run(task, task.questions().get(question), slos, question));
            }
            results.add(own);
        }
        return report(tasks, results, slos);
    }

    private static Measured report(List<FewShotTask> tasks, List<List<Result>> results, List<SloPair> slos) {
        Map<String, Double> mean = new LinkedHashMap<>();
        Map<String, Map<String, Double>> bySlo = new LinkedHashMap<>();
        slos.forEach(slo -> bySlo.put(slo.toString(), new LinkedHashMap<>()));
        for (Policy policy : Policy.values()) {
            for (int slo = 0; slo < slos.size(); slo++) {
                int index = slo;
                bySlo.get(slos.get(slo).toString()).put(name(policy), 100 * results.stream().mapToDouble(task -> task.stream()
                        .mapToDouble(result -> result.right().get(policy)[index] ? 1 : 0).average().orElse(0)).average().orElse(0));
            }
        }
        for (int slo = 0; slo < slos.size(); slo++) {
            int index = slo;
            double best = results.stream().mapToDouble(task -> fixedBest(task, index)).average().orElse(0);
            bySlo.get(slos.get(slo).toString()).put("fixed_best", 100 * best);
        }
        bySlo.values().iterator().next().keySet().forEach(policy ->
                mean.put(policy, bySlo.values().stream().mapToDouble(row -> row.get(policy)).average().orElse(0)));
        Map<String, Double> byTask = new LinkedHashMap<>();
        for (int task = 0; task < tasks.size(); task++) {
            double right = results.get(task).stream().mapToDouble(result -> share(result, Policy.ELMS)).average().orElse(0);
            byTask.put(tasks.get(task).name(), 100 * right);
        }
        int questions = results.stream().mapToInt(List::size).min().orElse(0);
        return new Measured(mean, new Details(questions, bySlo, byTask, 100 * stderr(results, null), 100 * stderr(results, Policy.PAPER)));
    }

    static String name(Policy policy) {
        return policy.name().toLowerCase(Locale.ROOT);
    }

    private static double share(Result result, Policy policy) {
        boolean[] right = result.right().get(policy);
        int count = 0;
        for (boolean one : right) {
            count += one ? 1 : 0;
        }
        return count / (double) right.length;
    }

    /** Standard error of the mean over tasks, of Elms or of its difference from another policy. */
    private static double stderr(List<List<Result>> results, Policy other) {
        double variance = 0;
        for (List<Result> task : results) {
            double[] values = task.stream().mapToDouble(result -> share(result, Policy.ELMS) - (other == null ? 0 : share(result, other))).toArray();
            double mean = Arrays.stream(values).average().orElse(0);
            variance += Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum() / Math.max(1, values.length - 1) / values.length;
        }
        return Math.sqrt(variance) / results.size();
    }

    /** Accuracy of the fixed shape that was best on the other half of the questions, among those feasible for nearly all of them. */
    private static double fixedBest(List<Result> task, int slo) {
        double sum = 0;
        for (int half = 0; half < 2; half++) {
            List<Result> chosenOn = new ArrayList<>();
            List<Result> scored = new ArrayList<>();
            for (int i = 0; i < task.size(); i++) {
                (i % 2 == half ? chosenOn : scored).add(task.get(i));
            }
            int best = -1;
            for (int shape = 0; shape < PlanShape.SEGMENTS.size(); shape++) {
                if (isFeasible(chosenOn, shape, slo) && (best < 0 || right(chosenOn, shape, slo) > right(chosenOn, best, slo))) {
                    best = shape;
                }
            }
            sum += right(scored, best < 0 ? PlanShape.SEGMENTS.size() - 1 : best, slo) / 2;
        }
        return sum;
    }

    private static boolean isFeasible(List<Result> results, int shape, int slo) {
        return results.stream().filter(result -> result.fixed()[shape][slo] >= 0).count() >= 0.9 * results.size();
    }

    /** Questions on which the shape is not feasible count as their share of the others. */
    private static double right(List<Result> results, int shape, int slo) {
        return results.stream().filter(result -> result.fixed()[shape][slo] >= 0).mapToInt(result -> result.fixed()[shape][slo])
                .average().orElse(0);
    }
}
