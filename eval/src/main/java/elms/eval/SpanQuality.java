package elms.eval;

import elms.engine.ElasticModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.eval.MultipleChoice.Answer;
import elms.kernels.Kernels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleConsumer;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Accuracy and TTFT when parts of a few-shot prompt are read at different levels, beside the alternatives: one level for all, the
 * last layers left out, and fewer examples.
 */
public final class SpanQuality {
    /** Questions of each task whose prompts are timed. */
    private static final int TIMED = 6;
    private static final double TIMING = 0.1;

    /** What was measured. */
    public record Report(String model, int shots, List<PlanQuality> plans) {}

    /**
     * One way to read and answer, over all tasks.
     *
     * @param acc mean of the tasks' accuracies
     * @param accNorm mean of the tasks' accuracies by log-probability a character
     * @param difference of {@code accNorm} from that of the first plan
     * @param against another plan of about the same TTFT, or of the same reading
     * @param differenceFromIt of {@code accNorm}
     * @param ttftMs median over some prompts of all tasks
     */
    public record PlanQuality(String plan, double acc, double accNorm, PairedDifference difference, String against,
            PairedDifference differenceFromIt, double ttftMs) {}

    /** The questions of a task, the last of which are its examples. */
    private record Task(List<Question> examples, List<Question> scored) {
        static Task read(Path file, long limit) {
            List<Question> all = Question.read(file, Long.MAX_VALUE);
            int scored = all.size() - SpanPlan.SHOTS;
            return new Task(all.subList(scored, all.size()), all.subList(0, (int) Math.min(limit, scored)));
        }

        String before(SpanPlan plan) {
            return Question.examples(examples.subList(0, plan.shots()));
        }
    }

    private final ElasticModel model;
    private final Transformer transformer;
    private final DoubleConsumer progress;

    public SpanQuality(ElasticModel model, Kernels kernels, DoubleConsumer progress) {
        this.model = model;
        transformer = new Transformer(model.weights(), kernels);
        this.progress = progress;
    }

    /** Measures every plan on the first rows of some tasks, whose last five rows are the examples. */
    public Report measure(List<Path> files, long limit) {
        List<SpanPlan> plans = SpanPlan.all(model);
        List<Task> tasks = files.stream().map(file -> Task.read(file, limit)).toList();
        double[] times = times(plans, tasks);
        List<List<List<Answer>>> answers = new ArrayList<>();
        for (SpanPlan plan : plans) {
            progress.accept(TIMING + (1 - TIMING) * answers.size() / plans.size());
            answers.add(tasks.stream().map(task -> answers(plan, task)).toList());
        }
        List<String> names = plans.stream().map(SpanPlan::name).toList();
        return new Report(model.name(), SpanPlan.SHOTS, IntStream.range(0, plans.size()).mapToObj(i -> {
            List<double[]> own = values(answers.get(i), Answer::rightByLength);
            String against = plans.get(i).against();
            return new PlanQuality(names.get(i), mean(values(answers.get(i), Answer::right)), mean(own),
                    PairedDifference.of(own, values(answers.get(0), Answer::rightByLength)), against,
                    PairedDifference.of(own, values(answers.get(names.indexOf(against)), Answer::rightByLength)), times[i]);
        }).toList());
    }

    private List<Answer> answers(SpanPlan plan, Task task) {
        try (MultipleChoice choice = new MultipleChoice(transformer, model.tokenizer(), plan.reading())) {
            return task.scored().stream().map(question -> choice.answer(task.before(plan), question)).toList();
        }
    }

    /** Median TTFT of each plan in milliseconds. Plans take turns, so that what else the machine does meets all of them alike. */
    private double[] times(List<SpanPlan> plans, List<Task> tasks) {
        List<List<Double>> times = plans.stream().map(plan -> (List<Double>) new ArrayList<Double>()).toList();
        for (Task task : tasks) {
            for (Question question : task.scored().subList(0, Math.min(TIMED, task.scored().size()))) {
                progress.accept(TIMING * times.getFirst().size() / TIMED / tasks.size());
                for (int i = 0; i < plans.size(); i++) {
                    times.get(i).add(millis(plans.get(i), task.before(plans.get(i)), question));
                }
            }
        }
        return times.stream().mapToDouble(each -> each.stream().sorted().toList().get(each.size() / 2)).toArray();
    }

    private double millis(SpanPlan plan, String before, Question question) {
        int[] prompt = model.tokenizer().encode(before + question.context()).ids();
        int examples = before.isEmpty() ? 0 : model.tokenizer().encode(before).length();
        try (KvCache cache = transformer.newCache(prompt.length)) {
            long start = System.nanoTime();
            plan.reading().read(transformer, prompt, examples, cache);
            transformer.logits();
            return (System.nanoTime() - start) / 1e6;
        }
    }

    /** Ones and zeros, task by task. */
    private static List<double[]> values(List<List<Answer>> tasks, Predicate<Answer> right) {
        return tasks.stream()
                .map(answers -> answers.stream().mapToDouble(answer -> right.test(answer) ? 1 : 0).toArray()).toList();
    }

    private static double mean(List<double[]> tasks) {
        return tasks.stream().mapToDouble(values -> Arrays.stream(values).average().orElse(0)).average().orElse(0);
    }
}
