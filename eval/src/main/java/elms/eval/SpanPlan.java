package elms.eval;

import elms.engine.ElasticModel;
import elms.engine.model.SubModel;
import elms.eval.baseline.LayerChoice;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A way to read a few-shot prompt and to answer it.
 *
 * @param shots how many examples
 * @param against name of the plan that it is compared with, besides the full model's
 */
record SpanPlan(String name, int shots, Reading reading, String against) {
    static final int SHOTS = 5;
    /** What everything is compared with. */
    static final String FULL = "all full";
    private static final int LAST = 16;

    /** Plans of a model: its levels in several mixtures, and other ways to the same TTFT. */
    static List<SpanPlan> all(ElasticModel model) {
        SubModel full = model.full();
        List<SpanPlan> plans = new ArrayList<>();
        plans.add(new SpanPlan(FULL, SHOTS, Reading.all(full), FULL));
        addMixed(plans, model, 0.6, List.of(0.9, 0.8, 0.7, 0.6));
        addMixed(plans, model, 0.5, List.of(0.9, 0.8, 0.7, 0.5));
        addMixed(plans, model, 0.4, List.of());
        addShallow(plans, model, model.config().layers() / 3, mixed(0.6));
        addShallow(plans, model, model.config().layers() * 2 / 5, mixed(0.5));
        plans.add(new SpanPlan("3 examples, all full", 3, Reading.all(full), mixed(0.6)));
        plans.add(new SpanPlan("2 examples, all full", 2, Reading.all(full), mixed(0.5)));
        plans.add(new SpanPlan("1 example, all full", 1, Reading.all(full), mixed(0.4)));
        plans.add(new SpanPlan("0 examples, all full", 0, Reading.all(full), mixed(0.4)));
        return plans;
    }

    private static void addMixed(List<SpanPlan> plans, ElasticModel model, double share, List<Double> answers) {
        SubModel full = model.full();
        SubModel level = model.nearest(share);
        String name = "%.1f".formatted(share);
        plans.add(new SpanPlan("examples " + name + ", question and answer full", SHOTS,
                new Reading(level, full, full, 1, full), FULL));
        plans.add(mixed(model, share));
        answers.forEach(answer -> plans.add(new SpanPlan(mixed(share, String.valueOf(answer)), SHOTS,
                Reading.butTheEnd(level, LAST, full, model.nearest(answer)), mixed(share))));
        plans.add(new SpanPlan("prompt and answer " + name, SHOTS, Reading.all(level), mixed(share)));
    }

    /** The prompt is read by one level but for its last tokens; the full model reads these, and answers. */
    static SpanPlan mixed(ElasticModel model, double share) {
        SubModel full = model.full();
        return new SpanPlan(mixed(share), SHOTS, Reading.butTheEnd(model.nearest(share), LAST, full, full), FULL);
    }

    private static String mixed(double share) {
        return mixed(share, "full");
    }

    private static String mixed(double share, String answer) {
        return "all %.1f but the last %d tokens, answer %s".formatted(share, LAST, answer);
    }

    /**
     * The last layers are left out while the prompt is read but for its end: keys and values of these layers come from the stream
     * that passes them by. POP (arXiv 2602.03295) reads some last tokens in full, SwiftKV (arXiv 2410.03960) the very last; here
     * without SwiftKV's training.
     */
    private static void addShallow(List<SpanPlan> plans, ElasticModel model, int layers, String against) {
        SubModel full = model.full();
        int all = model.config().layers();
        SubModel shallow = SubModel.of(model.weights(),
                LayerChoice.without(model.config(), IntStream.range(all - layers, all).boxed().toList()));
        plans.add(new SpanPlan("without the last " + layers + " layers but for " + LAST + " tokens (POP)", SHOTS,
                Reading.butTheEnd(shallow, LAST, full, full), against));
        plans.add(new SpanPlan("without the last " + layers + " layers but for 1 token (SwiftKV)", SHOTS,
                Reading.butTheEnd(shallow, 1, full, full), against));
    }
}
