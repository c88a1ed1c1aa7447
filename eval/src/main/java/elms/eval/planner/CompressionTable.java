package elms.eval.planner;

import elms.engine.ElasticModel;
import elms.engine.decode.Transformer;
import elms.engine.text.Range;
import elms.eval.Perplexity;
import elms.eval.PlanAccuracy;
import elms.eval.Question;
import elms.eval.planner.PlannerReport.Shortened;
import elms.kernels.Kernels;
import elms.planner.Answering;
import elms.planner.Assignment;
import elms.planner.Decision;
import elms.planner.PlanShape;
import elms.planner.Prompt;
import elms.planner.Shaper;
import elms.planner.compact.Opinion;
import elms.planner.compact.PromptReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleConsumer;

/** Accuracy of the full model on prompts that were shortened in several ways: few-shot examples, and the passages of BoolQ. */
final class CompressionTable {
    private static final double[] SHARES = {0.5, 0.33};

    /** A question and its prompt. */
    private record Item(Question question, Prompt prompt, boolean passage) {}

    private interface Method {
        Assignment shorten(Item item, double share, Opinion opinion);
    }

    private final ElasticModel model;
    private final Transformer transformer;
    private final PlanAccuracy plans;
    private final PromptReader reader;
    private final DoubleConsumer progress;
    private final Random random = new Random(1);

    CompressionTable(ElasticModel model, Kernels kernels, PlanAccuracy plans, PromptReader reader, DoubleConsumer progress) {
        this.model = model;
        this.plans = plans;
        this.transformer = new Transformer(model.weights(), kernels);
        this.reader = reader;
        this.progress = progress;
    }

    /**
     * Measures every way to shorten.
     *
     * @param tasks whose examples are shortened
     * @param limit questions of each task, and about as many passages as of all tasks
     */
    List<Shortened> measure(List<FewShotTask> tasks, Path data, int limit) {
        return measure(items(tasks, data, limit), methods());
    }

    /** The same where words are kept by each of some score heads. */
    List<Shortened> measure(List<FewShotTask> tasks, Path data, int limit, Map<String, PromptReader> scores) {
        Map<String, Method> methods = new LinkedHashMap<>();
        scores.forEach((name, other) -> methods.put("words by the score head: " + name, (item, share, opinion) ->
                words(item, share, other.read(item.prompt().text(), item.prompt().cuttable()))));
        return measure(items(tasks, data, limit), methods);
    }

    private List<Shortened> measure(List<Item> items, Map<String, Method> methods) {
        int[][][] right = new int[methods.size()][SHARES.length][2];
        int[] whole = new int[2];
        int[] counts = new int[2];
        for (int i = 0; i < items.size(); i++) {
            progress.accept((double) i / items.size());
            Item item = items.get(i);
            int kind = item.passage() ? 1 : 0;
            counts[kind]++;
            whole[kind] += right(item, Assignment.all(item.prompt(), model.full()));
            Opinion opinion = reader.read(item.prompt().text(), item.prompt().cuttable());
            int method = 0;
            for (Method way : methods.values()) {
                for (int share = 0; share < SHARES.length; share++) {
                    right[method][share][kind] += right(item, way.shorten(item, SHARES[share], opinion));
                }
                method++;
            }
        }
        List<Shortened> rows = new ArrayList<>();
        rows.add(new Shortened("nothing cut", 1, percent(whole[0], counts[0]), percent(whole[1], counts[1]), items.size()));
        int method = 0;
        for (String name : methods.keySet()) {
            for (int share = 0; share < SHARES.length; share++) {
                rows.add(new Shortened(name, SHARES[share], percent(right[method][share][0], counts[0]), percent(right[method][share][1], counts[1]),
                        items.size()));
            }
            method++;
        }
        return rows;
    }

    private static double percent(int right, int of) {
        return 100.0 * right / Math.max(1, of);
    }

    private int right(Item item, Assignment assignment) {
        return plans.choice(assignment.spans(), Answering.steady(model.full()), item.question()) == item.question().answer() ? 1 : 0;
    }

    private List<Item> items(List<FewShotTask> tasks, Path data, int limit) {
        List<Item> items = new ArrayList<>();
        for (FewShotTask task : tasks) {
            task.first(limit).forEach(question -> items.add(new Item(question, task.prompt(question, model.tokenizer()), false)));
        }
        FewShotTask passages = FewShotTask.of(data, "boolq", "validation", "", 0);
        passages.questions().stream().limit((long) limit * tasks.size()).forEach(question -> {
            int end = question.context().lastIndexOf("\nQuestion:");
            items.add(new Item(question, new Prompt(question.context(), model.tokenizer().encode(question.context()),
                    List.of(new Range(0, Math.max(0, end)))), true));
        });
        return items;
    }

    private Map<String, Method> methods() {
        Map<String, Method> methods = new LinkedHashMap<>();
        methods.put("segments by the score head", (item, share, opinion) -> shaper(item, opinion).segments(new PlanShape(share, 1, 1)));
        methods.put("words by the score head", (item, share, opinion) -> words(item, share, opinion));
        methods.put("words by self-information", (item, share, opinion) -> words(item, share, surprise(item.prompt())));
        methods.put("random words", (item, share, opinion) -> words(item, share, by(opinion, i -> random.nextFloat())));
        methods.put("the first words", (item, share, opinion) -> words(item, share, by(opinion, i -> -i)));
        methods.put("the last words", (item, share, opinion) -> words(item, share, by(opinion, i -> i)));
        return methods;
    }

    private Assignment words(Item item, double share, Opinion opinion) {
        return shaper(item, opinion).words(new PlanShape(share, 1, 1));
    }

    private Shaper shaper(Item item, Opinion opinion) {
        return new Shaper(item.prompt(), opinion, model.levels());
    }

    private interface Score {
        float of(int piece);
    }

    private static Opinion by(Opinion opinion, Score score) {
        float[] keep = new float[opinion.keep().length];
        for (int i = 0; i < keep.length; i++) {
            keep[i] = score.of(i);
        }
        return new Opinion(opinion.pieces(), keep, opinion.summary(), opinion.qualities());
    }

    /** Selective Context (Li et al., arXiv 2310.06201): what the full model expects least matters most. */
    private Opinion surprise(Prompt prompt) {
        double[] known = new Perplexity(transformer, model.full()).logProbabilities(prompt.encoding().ids());
        float[] keep = new float[known.length + 1];
        for (int i = 0; i < known.length; i++) {
            keep[i + 1] = (float) -known[i];
        }
        return new Opinion(prompt.encoding(), keep, new float[0], new float[Decision.OUTPUTS]);
    }
}
