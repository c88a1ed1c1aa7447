package elms.eval.planner;

import elms.engine.ElasticModel;
import elms.engine.decode.Transformer;
import elms.eval.AnswerStore;
import elms.eval.PlanAccuracy;
import elms.eval.planner.LatencyCheck.Measured;
import elms.eval.planner.PlannerReport.Answered;
import elms.eval.planner.PlannerReport.Shortened;
import elms.kernels.Kernels;
import elms.planner.LatencyModel;
import elms.planner.RequestOverhead;
import elms.planner.compact.PromptReader;
import java.nio.file.Path;
import java.util.List;
import java.util.function.DoubleConsumer;

/** Measures how well plans are predicted, chosen and carried out. */
public final class PlannerQuality {
    private static final double LATENCY_PART = 0.2;
    private static final double ACCURACY_PART = 0.6;
    private static final double HEAD_START_PART = 0.05;
    private static final double COMPRESSION_FROM = LATENCY_PART + ACCURACY_PART + HEAD_START_PART;
    static final List<String> COMPRESSED = List.of("arc_easy", "sciq", "openbookqa");

    private final ElasticModel model;
    private final Kernels kernels;
    private final LatencyModel latency;
    private final PromptReader reader;
    private final PlanAccuracy plans;
    private final DoubleConsumer progress;

    /**
     * @param latency by whose work plans keep their SLO: there is no service around requests here
     * @param known what was answered before, and will be now
     */
    public PlannerQuality(ElasticModel model, Kernels kernels, LatencyModel latency, PromptReader reader, AnswerStore known,
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
     * @param text to cut requests of
     * @param data folder of the tasks
     * @param requests whose latency is predicted and measured
     * @param each short ones under each of the paper's 48 SLOs
     * @param limit questions of each task
     */
    public PlannerReport measure(String text, Path data, int requests, int each, int limit) {
        Measured measured = new LatencyCheck(model, kernels, latency, reader, part(0, LATENCY_PART)).measure(text, requests, each);
        List<FewShotTask> tasks = FewShotTask.paper(data);
        PolicyAccuracy.Measured accuracy = new PolicyAccuracy(model, plans, latency, reader, part(LATENCY_PART, ACCURACY_PART))
                .measure(tasks, limit);
        List<Answered> headStart = new AnswerTable(model, plans, part(LATENCY_PART + ACCURACY_PART, HEAD_START_PART))
                .measure(tasks, limit);
        List<Shortened> compression = new CompressionTable(model, kernels, plans, reader,
                part(COMPRESSION_FROM, 1 - COMPRESSION_FROM))
                .measure(tasks.stream().filter(task -> COMPRESSED.contains(task.name())).toList(), data, limit);
        return new PlannerReport(model.name(), measured.latency(), measured.promises(), measured.overhead(), accuracy.accuracy(),
                accuracy.details(), headStart, compression);
    }

    private DoubleConsumer part(double from, double share) {
        return done -> progress.accept(from + share * done);
    }
}
