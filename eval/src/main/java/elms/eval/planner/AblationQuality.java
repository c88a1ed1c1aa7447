package elms.eval.planner;

import elms.elastic.planner.Ablations;
import elms.engine.ElasticModel;
import elms.engine.decode.Transformer;
import elms.eval.AnswerStore;
import elms.eval.PairedDifference;
import elms.eval.PlanAccuracy;
import elms.eval.Question;
import elms.eval.planner.AblationReport.Decided;
import elms.eval.planner.PlannerReport.Shortened;
import elms.kernels.Kernels;
import elms.planner.Decision;
import elms.planner.LatencyModel;
import elms.planner.PlanForm;
import elms.planner.RequestOverhead;
import elms.planner.compact.PromptReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleConsumer;

/** Measures what planners that were trained otherwise choose and keep, against the pack's own. */
public final class AblationQuality {
    private static final String SHIPPED = "shipped";
    private static final String CHANCE = "chance";
    /** Begins the names of heads that choose plans in the paper's form. */
    private static final String PAPER = "paper_";
    private static final double ACCURACY_PART = 0.7;

    private final ElasticModel model;
    private final Kernels kernels;
    private final LatencyModel latency;
    private final PromptReader reader;
    private final PlanAccuracy plans;
    private final DoubleConsumer progress;

    /**
     * @param latency by whose work plans keep their SLO: there is no service around requests here
     * @param reader the pack's compact language model
     * @param known what was answered before, and will be now
     */
    public AblationQuality(ElasticModel model, Kernels kernels, LatencyModel latency, PromptReader reader, AnswerStore known,
            DoubleConsumer progress) {
        this.model = model;
        this.kernels = kernels;
        this.latency = latency.with(RequestOverhead.NONE);
        this.reader = reader;
        this.plans = new PlanAccuracy(new Transformer(model.weights(), kernels), model.full(), model.tokenizer(), known);
        this.progress = progress;
    }

    /**
     * Measures everything.
     *
     * @param decisions compact language models with other decision heads, by their names
     * @param scores with other score heads
     * @param data folder of the tasks
     * @param limit questions of each task
     */
    public AblationReport measure(Map<String, PromptReader> decisions, Map<String, PromptReader> scores, Path data, int limit) {
        List<FewShotTask> tasks = FewShotTask.paper(data);
        Map<String, List<double[]>> percents = new LinkedHashMap<>();
        for (int i = 0; i < tasks.size(); i++) {
            FewShotTask task = tasks.get(i);
            List<Question> questions = task.first(limit);
            for (int question = 0; question < questions.size(); question++) {
                progress.accept(ACCURACY_PART * (i + (double) question / questions.size()) / tasks.size());
                int at = question;
                int of = i;
                measure(task, questions.get(question), decisions, new Random(question)).forEach((head, percent) -> {
                    List<double[]> all = percents.computeIfAbsent(head, name -> new ArrayList<>());
                    if (all.size() == of) {
                        all.add(new double[questions.size()]);
                    }
                    all.get(of)[at] = percent;
                });
            }
        }
        List<FewShotTask> shortened = tasks.stream().filter(task -> PlannerQuality.COMPRESSED.contains(task.name())).toList();
        Map<String, PromptReader> heads = new LinkedHashMap<>(scores);
        heads.put(SHIPPED, reader);
        List<Shortened> compression = new CompressionTable(model, kernels, plans, reader,
                done -> progress.accept(ACCURACY_PART + (1 - ACCURACY_PART) * done)).measure(shortened, data, limit, heads);
        return new AblationReport(model.name(), limit, decided(tasks, percents), compression);
    }

    /** Percent of the paper's SLOs under which each head's plan answers a question rightly. */
    private Map<String, Double> measure(FewShotTask task, Question question, Map<String, PromptReader> decisions, Random random) {
        ReadPrompt own = ReadPrompt.of(task.prompt(question, model.tokenizer()), reader);
        Map<String, Double> percents = new LinkedHashMap<>();
        percents.put(SHIPPED, percent(own, PlanForm.ELMS, question));
        percents.put(CHANCE, percent(own.decided(ReadPrompt.chance(Decision.OUTPUTS, random)), PlanForm.ELMS, question));
        decisions.forEach((name, other) -> {
            ReadPrompt read = own.decided(other.read(own.prompt().text(), own.prompt().cuttable()).qualities());
            percents.put(name, percent(read, PlanForm.ELMS, question));
            if (name.equals(Ablations.AGAIN) || name.equals(Ablations.LIGHTEST_RIGHT)) {
                percents.put(PAPER + name, percent(read, PlanForm.PAPER, question));
            }
        });
        return percents;
    }

    private double percent(ReadPrompt read, PlanForm form, Question question) {
        return SloPair.APPS.stream().map(slo -> read.plan(model, latency, form, slo))
                .mapToDouble(plan -> plans.right(plan.spans(), plan.answering(), question) ? 100 : 0).average().orElse(0);
    }

    static Map<String, Decided> decided(List<FewShotTask> tasks, Map<String, List<double[]>> percents) {
        List<double[]> again = percents.getOrDefault(Ablations.AGAIN, percents.get(SHIPPED));
        Map<String, Decided> decided = new LinkedHashMap<>();
        percents.forEach((head, own) -> {
            Map<String, Double> accuracy = new LinkedHashMap<>();
            Map<String, PairedDifference> differences = new LinkedHashMap<>();
            for (int i = 0; i < tasks.size(); i++) {
                accuracy.put(tasks.get(i).name(), Arrays.stream(own.get(i)).average().orElse(0));
                differences.put(tasks.get(i).name(), PairedDifference.of(List.of(again.get(i)), List.of(own.get(i))));
            }
            accuracy.put(AblationReport.MEAN, accuracy.values().stream().mapToDouble(percent -> percent).average().orElse(0));
            differences.put(AblationReport.MEAN, PairedDifference.of(again, own));
            decided.put(head, new Decided(accuracy, differences));
        });
        return decided;
    }
}
