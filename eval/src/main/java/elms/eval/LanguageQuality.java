package elms.eval;

import elms.engine.ElasticModel;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.eval.GreedyAnswers.Likeness;
import elms.eval.GreedyAnswers.Score;
import elms.eval.MultipleChoice.Accuracy;
import elms.eval.MultipleChoice.Answer;
import elms.eval.baseline.LayerChoice;
import elms.kernels.Kernels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/**
 * How good each level of a model is: divergence from the full one, perplexity, zero-shot accuracy, and how like the full model's
 * its greedy answers are; beside other ways to shrink the model as far.
 */
public final class LanguageQuality {
    private static final int RESAMPLES = 1000;
    private static final double TAIL = 0.025;
    /** Part of the work that is reading held-out text. */
    private static final double READ = 0.4;
    /** Levels that read a prompt but for its end. */
    private static final List<Double> READERS = List.of(0.6, 0.5);
    /** Shares of the decoder's weights whose nearest levels baselines are compared with. */
    private static final List<Double> COMPARED = List.of(0.8, 0.6, 0.5, 0.4);

    /** What was measured. */
    public record Report(String model, String heldout, List<LevelQuality> levels, List<MixedQuality> mixed,
            List<BaselineQuality> baselines) {}

    /**
     * One level.
     *
     * @param share of the decoder's weights, adapters counted
     * @param kl from the full model, in nats a token
     * @param klInterval 95% bootstrap interval over windows
     * @param answers to prompts, source by source
     */
    public record LevelQuality(double share, double kl, double[] klInterval, double perplexity, Map<String, Accuracy> tasks,
            double meanAcc, Map<String, Likeness> answers) {}

    /** Prompts that one level reads, but for their end, and the full model answers. */
    public record MixedQuality(String plan, Map<String, Likeness> answers) {}

    /**
     * Another way to shrink the model.
     *
     * @param against share of the level it is compared with, the nearest to its own
     * @param klDifference from that level, window by window
     * @param accDifference from that level, question by question, all tasks counted alike
     * @param answerDifferences of ROUGE-L from that level, prompt by prompt; source by source
     */
    public record BaselineQuality(String method, LevelQuality quality, double against, PairedDifference klDifference,
            PairedDifference accDifference, Map<String, PairedDifference> answerDifferences) {}

    /** A level with the single values that its quality sums up. */
    private record Measured(double[] kl, Map<String, List<Answer>> choices, Map<String, List<Score>> answers,
            LevelQuality quality) {
        BaselineQuality against(Measured level, String method) {
            Map<String, PairedDifference> differences = new LinkedHashMap<>();
            answers.forEach((source, scores) -> differences.put(source, PairedDifference.of(
                    List.of(GreedyAnswers.each(scores)), List.of(GreedyAnswers.each(level.answers.get(source))))));
            return new BaselineQuality(method, quality, level.quality.share(),
                    PairedDifference.of(List.of(kl), List.of(level.kl)), PairedDifference.of(right(), level.right()),
                    differences);
        }

        /** Ones for right answers, and zeros; task by task. */
        private List<double[]> right() {
            return choices.values().stream()
                    .map(all -> all.stream().mapToDouble(answer -> answer.right() ? 1 : 0).toArray()).toList();
        }
    }

    private final ElasticModel model;
    private final Transformer transformer;
    private final DoubleConsumer progress;

    public LanguageQuality(ElasticModel model, Kernels kernels, DoubleConsumer progress) {
        this.model = model;
        transformer = new Transformer(model.weights(), kernels);
        this.progress = progress;
    }

    /**
     * Measures every level on held-out text, on the first rows of some tasks and on prompts.
     *
     * @param data folder of the prompts
     * @param baselines other ways to shrink the model, to the shares of some levels
     */
    public Report measure(HeldOut heldOut, List<Path> tasks, Path data, long limit, List<LayerChoice> baselines) {
        List<SubModel> own = model.levels();
        List<SubModel> compared = COMPARED.stream().map(model::nearest).distinct()
                .filter(level -> level != model.full()).toList();
        List<SubModel> all = new ArrayList<>(own);
        baselines.forEach(choice -> compared.forEach(level ->
                all.add(SubModel.of(model.weights(), choice.level(model.config(), level.share())))));
        WindowDivergence read = WindowDivergence.measure(transformer, all, heldOut.windows(),
                done -> progress.accept(READ * done));
        Map<String, List<Question>> questions = new LinkedHashMap<>();
        tasks.forEach(task -> questions.put(Question.task(task), Question.read(task, limit)));
        GreedyAnswers greedy = new GreedyAnswers(model, transformer, data, limit);
        List<Measured> measured = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            progress.accept(READ + (1 - READ) * i / all.size());
            measured.add(measured(all.get(i), read.divergence()[i], read.perplexity()[i], questions, greedy));
        }
        List<BaselineQuality> others = new ArrayList<>();
        for (LayerChoice choice : baselines) {
            for (SubModel level : compared) {
                Measured other = measured.get(own.size() + others.size());
                others.add(other.against(measured.get(own.indexOf(level)), choice.name()));
            }
        }
        return new Report(model.name(), heldOut.name(), measured.stream().limit(own.size()).map(Measured::quality).toList(),
                mixed(greedy), others);
    }

    private Measured measured(SubModel level, double[] kl, double perplexity, Map<String, List<Question>> questions,
            GreedyAnswers greedy) {
        Map<String, List<Answer>> choices = new LinkedHashMap<>();
        Map<String, Accuracy> accuracy = new LinkedHashMap<>();
        try (MultipleChoice choice = new MultipleChoice(transformer, model.tokenizer(), Reading.all(level))) {
            questions.forEach((task, asked) -> choices.put(task, asked.stream().map(choice::answer).toList()));
        }
        choices.forEach((task, given) -> accuracy.put(task, Accuracy.of(given)));
        double mean = accuracy.values().stream().mapToDouble(Accuracy::acc).average().orElse(Double.NaN);
        Map<String, List<Score>> answers = greedy.scores(Reading.all(level));
        return new Measured(kl, choices, answers, new LevelQuality(level.share(), Arrays.stream(kl).average().orElse(Double.NaN),
                interval(kl), perplexity, accuracy, mean, GreedyAnswers.likeness(answers)));
    }

    private List<MixedQuality> mixed(GreedyAnswers greedy) {
        return READERS.stream().map(share -> SpanPlan.mixed(model, share))
                .map(plan -> new MixedQuality(plan.name(), GreedyAnswers.likeness(greedy.scores(plan.reading())))).toList();
    }

    /** Percentile bootstrap interval of the mean (Efron, 1979). */
    private static double[] interval(double[] values) {
        Random random = new Random(1);
        double[] means = IntStream.range(0, RESAMPLES)
                .mapToDouble(i -> random.ints(values.length, 0, values.length).mapToDouble(j -> values[j]).average().orElse(Double.NaN))
                .sorted().toArray();
        return new double[] {means[(int) (TAIL * RESAMPLES)], means[(int) ((1 - TAIL) * RESAMPLES)]};
    }
}
