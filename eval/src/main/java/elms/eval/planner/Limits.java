package elms.eval.planner;

import elms.engine.ElasticModel;
import elms.engine.model.SubModel;
import elms.planner.Assignment;
import elms.planner.LatencyModel;
import elms.planner.Prompt;
import java.util.List;

/** What keeps an SLO on a prompt, as predicted. */
final class Limits {
    private final ElasticModel model;
    private final LatencyModel latency;
    private final double ttft;
    private final double tpot;
    private final double overhead;

    /**
     * @param overhead milliseconds that the compact language model takes
     */
    Limits(ElasticModel model, LatencyModel latency, Prompt prompt, SloPair slo, double overhead) {
        this.model = model;
        this.latency = latency;
        this.overhead = overhead;
        ttft = slo.ttft() / 100.0 * latency.ttftMillis(model.full(), prompt.tokens());
        tpot = slo.tpot() / 100.0 * latency.tpotMillis(model.full(), prompt.tokens(), ReadPrompt.ANSWER);
    }

    boolean reads(Assignment assignment) {
        boolean untouched = assignment.parts().size() == 1 && assignment.parts().getFirst().level() == model.full();
        return (untouched ? 0 : overhead) + latency.prefillMillis(0, assignment.parts()) <= ttft;
    }

    /** The levels that may answer, largest first. */
    List<SubModel> answers(Assignment assignment) {
        return model.levels().stream().filter(level -> latency.tpotMillis(level, assignment.tokens(), ReadPrompt.ANSWER) <= tpot).toList();
    }

    boolean keeps(Way way) {
        return reads(way.assignment()) && answers(way.assignment()).contains(way.answer());
    }
}
