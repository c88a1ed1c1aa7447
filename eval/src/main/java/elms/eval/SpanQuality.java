package elms.eval;

import elms.engine.ElasticModel;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.eval.MultipleChoice.Answer;
import elms.kernels.Kernels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/**
 * Accuracy and TTFT when parts of a few-shot prompt are read at different levels, beside the alternatives: one level for all, and
 * fewer examples.
 */
public final class SpanQuality {
    private static final int SHOTS = 5;
    private static final int LAST = 16;

    /** What was measured. */
    public record Report(String model, int shots, List<PlanQuality> plans) {}

    /**
     * One way to read and answer, over all tasks.
     *
     * @param acc mean of the tasks' accuracies
     * @param accNorm mean of the tasks' accuracies by log-probability a character
     * @param difference of {@code accNorm} from that of the first plan
     * @param stderr standard error of the difference, question by question
     * @param ttftMs median over the questions of all tasks
     */
    public record PlanQuality(String plan, double acc, double accNorm, double difference, double stderr, double ttftMs) {}

    /** A way to read: how many examples, and at which levels. */
    private record Plan(String name, int shots, Reading reading) {}

    private final ElasticModel model;
    private final Transformer transformer;
    private final DoubleConsumer progress;

    public SpanQuality(ElasticModel model, Kernels kernels, DoubleConsumer progress) {
        this.model = model;
        transformer = new Transformer(model.weights(), kernels);
        this.progress = progress;
    }

    /** Measures every plan on the first rows of some tasks, whose last five rows are the examples. */
    public Report measure(List<Path> tasks, long limit) {
        List<Plan> plans = plans();
        List<List<List<Answer>>> answers = plans.stream().map(plan -> (List<List<Answer>>) new ArrayList<List<Answer>>()).toList();
        for (int task = 0; task < tasks.size(); task++) {
            List<Question> all = Question.read(tasks.get(task), Long.MAX_VALUE);
            List<Question> shots = all.subList(all.size() - SHOTS, all.size());
            List<Question> scored = all.subList(0, (int) Math.min(limit, all.size() - SHOTS));
            answers.forEach(plan -> plan.add(new ArrayList<>()));
            for (int i = 0; i < scored.size(); i++) {
                progress.accept((task + (double) i / scored.size()) / tasks.size());
                for (int plan = 0; plan < plans.size(); plan++) {
                    answers.get(plan).get(task).add(answer(plans.get(plan), shots, scored.get(i)));
                }
            }
        }
        return new Report(model.name(), SHOTS, IntStream.range(0, plans.size())
                .mapToObj(i -> quality(plans.get(i).name(), answers.get(i), answers.get(0))).toList());
    }

    private List<Plan> plans() {
        SubModel full = model.full();
        List<Plan> plans = new ArrayList<>();
        plans.add(new Plan("all full", SHOTS, Reading.all(full)));
        for (double share : new double[] {0.6, 0.5, 0.4}) {
            SubModel level = model.nearest(share);
            String name = "%.1f".formatted(share);
            plans.add(new Plan("examples " + name + ", question and answer full", SHOTS, new Reading(level, full, full, 1, full)));
            plans.add(new Plan("all " + name + " but the last 16 tokens, answer full", SHOTS, new Reading(level, level, full, LAST, full)));
            plans.add(new Plan("examples " + name + ", question and first token full, rest " + name, SHOTS,
                    new Reading(level, full, full, 1, level)));
            plans.add(new Plan("prompt and answer " + name, SHOTS, Reading.all(level)));
        }
        for (int shots : new int[] {3, 1, 0}) {
            plans.add(new Plan(shots + " examples, all full", shots, Reading.all(full)));
        }
        return plans;
    }

    private Answer answer(Plan plan, List<Question> examples, Question question) {
        String before = Question.examples(examples.subList(0, plan.shots()));
        return new MultipleChoice(transformer, model.tokenizer(), plan.reading()).answer(before, question);
    }

    private static PlanQuality quality(String name, List<List<Answer>> tasks, List<List<Answer>> reference) {
        double acc = 0;
        double accNorm = 0;
        double difference = 0;
        double variance = 0;
        for (int task = 0; task < tasks.size(); task++) {
            List<Answer> own = tasks.get(task);
            List<Answer> full = reference.get(task);
            acc += own.stream().mapToDouble(answer -> answer.right() ? 1 : 0).average().orElse(0) / tasks.size();
            accNorm += own.stream().mapToDouble(answer -> answer.rightByLength() ? 1 : 0).average().orElse(0) / tasks.size();
            double[] gains = IntStream.range(0, own.size())
                    .mapToDouble(i -> (own.get(i).rightByLength() ? 1 : 0) - (full.get(i).rightByLength() ? 1 : 0)).toArray();
            double mean = IntStream.range(0, gains.length).mapToDouble(i -> gains[i]).average().orElse(0);
            difference += mean / tasks.size();
            variance += IntStream.range(0, gains.length).mapToDouble(i -> (gains[i] - mean) * (gains[i] - mean)).average().orElse(0)
                    / gains.length / tasks.size() / tasks.size();
        }
        double[] times = tasks.stream().flatMap(List::stream).mapToDouble(Answer::millis).sorted().toArray();
        return new PlanQuality(name, acc, accNorm, difference, Math.sqrt(variance), times[times.length / 2]);
    }
}
