package elms.eval.planner;

import elms.engine.ElasticModel;
import elms.eval.PlanAccuracy;
import elms.eval.Question;
import elms.eval.planner.PlannerReport.Answered;
import elms.planner.Answering;
import elms.planner.Assignment;
import elms.planner.Plan.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/**
 * What a head start is worth: the full model reads whole prompts and gives the first tokens of answers, the smallest level the
 * rest.
 */
final class AnswerTable {
    private static final List<Integer> FULL_TOKENS = List.of(1, 2, 4, 8);

    private final ElasticModel model;
    private final PlanAccuracy plans;
    private final DoubleConsumer progress;

    AnswerTable(ElasticModel model, PlanAccuracy plans, DoubleConsumer progress) {
        this.model = model;
        this.plans = plans;
        this.progress = progress;
    }

    List<Answered> measure(List<FewShotTask> tasks, int limit) {
        double[] right = new double[FULL_TOKENS.size()];
        for (int i = 0; i < tasks.size(); i++) {
            FewShotTask task = tasks.get(i);
            List<Question> questions = task.first(limit);
            for (Question question : questions) {
                List<Span> spans = Assignment.all(task.prompt(question, model.tokenizer()), model.full()).spans();
                for (int row = 0; row < right.length; row++) {
                    Answering answering = new Answering(1, FULL_TOKENS.get(row), model.levels().getLast());
                    right[row] += plans.right(spans, answering, question) ? 100.0 / questions.size() / tasks.size() : 0;
                }
            }
            progress.accept((i + 1.0) / tasks.size());
        }
        List<Answered> rows = new ArrayList<>();
        IntStream.range(0, right.length).forEach(row -> rows.add(new Answered(FULL_TOKENS.get(row), right[row])));
        return rows;
    }
}
