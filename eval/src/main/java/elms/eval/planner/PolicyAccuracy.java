package elms.eval.planner;

import elms.engine.ElasticModel;
import elms.eval.PairedDifference;
import elms.eval.PlanAccuracy;
import elms.eval.Question;
import elms.eval.planner.PlannerReport.Details;
import elms.eval.planner.QuestionTrial.Policy;
import elms.eval.planner.QuestionTrial.Result;
import elms.planner.LatencyModel;
import elms.planner.PlanShape;
import elms.planner.compact.PromptReader;
import java.util.ArrayList;
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

    PolicyAccuracy(ElasticModel model, PlanAccuracy accuracy, LatencyModel latency, PromptReader reader, DoubleConsumer progress) {
        this.trial = new QuestionTrial(model, accuracy, latency, reader);
        this.progress = progress;
    }

    Measured measure(List<FewShotTask> tasks, int limit) {
        List<SloPair> slos = SloPair.APPS;
        List<List<Result>> results = new ArrayList<>();
        for (int i = 0; i < tasks.size(); i++) {
            FewShotTask task = tasks.get(i);
            List<Question> questions = task.first(limit);
            List<Result> own = new ArrayList<>();
            for (int question = 0; question < questions.size(); question++) {
                progress.accept((i + (double) question / questions.size()) / tasks.size());
                own.add(trial.run(task, questions.get(question), slos, question));
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
        List<double[]> elms = percents(results, Policy.ELMS);
        List<double[]> nothing = elms.stream().map(task -> new double[task.length]).toList();
        Map<String, PairedDifference> elmsMinus = new LinkedHashMap<>();
        for (Policy policy : Policy.values()) {
            if (policy != Policy.ELMS) {
                elmsMinus.put(name(policy), PairedDifference.of(elms, percents(results, policy)));
            }
        }
        return new Measured(mean, new Details(questions, bySlo, byTask, PairedDifference.of(elms, nothing).stderr(), elmsMinus));
    }

    static String name(Policy policy) {
        return policy.name().toLowerCase(Locale.ROOT);
    }

    /** A policy's accuracy on each question of each task, mean over SLOs. */
    private static List<double[]> percents(List<List<Result>> results, Policy policy) {
        return results.stream().map(task -> task.stream().mapToDouble(result -> 100 * share(result, policy)).toArray()).toList();
    }

    private static double share(Result result, Policy policy) {
        boolean[] right = result.right().get(policy);
        int count = 0;
        for (boolean one : right) {
            count += one ? 1 : 0;
        }
        return count / (double) right.length;
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

    private static double right(List<Result> results, int shape, int slo) {
        return results.stream().mapToInt(result -> {
            int fixed = result.fixed()[shape][slo];
            return fixed >= 0 ? fixed : result.fastest()[slo] ? 1 : 0;
        }).average().orElse(0);
    }
}
