package elms.eval.planner;

import elms.engine.ElasticModel;
import elms.engine.model.SubModel;
import elms.eval.PlanAccuracy;
import elms.eval.Question;
import elms.planner.Answering;
import elms.planner.Assignment;
import elms.planner.Decision;
import elms.planner.LatencyModel;
import elms.planner.Plan;
import elms.planner.PlanForm;
import elms.planner.PlanShape;
import elms.planner.Prompt;
import elms.planner.Shaper;
import elms.planner.Terms;
import elms.planner.compact.PromptReader;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** What every policy makes of one question under every SLO. */
final class QuestionTrial {
    /** Ways to choose a plan. */
    enum Policy {
        ELMS, PAPER, RANDOM, RANDOM_PAIR, PROMPT_ONLY, LEVEL_ONLY, MIDDLE, ORACLE, ORACLE_SHUFFLED, FULL, ZERO_SHOT,
        NO_HEAD_START, NO_SCORE_HEAD, NO_DECISION_HEAD, INDEPENDENT
    }

    /**
     * Whether a policy's answers were right, one an SLO.
     *
     * @param fixed of every shape of {@link PlanShape#SEGMENTS}, one an SLO: 1 right, 0 wrong, -1 not feasible
     * @param fastest what a shape that is not feasible makes way for
     */
    record Result(Map<Policy, boolean[]> right, int[][] fixed, boolean[] fastest) {}

    private final ElasticModel model;
    private final PlanAccuracy accuracy;
    private final LatencyModel latency;
    private final PromptReader reader;

    QuestionTrial(ElasticModel model, PlanAccuracy accuracy, LatencyModel latency, PromptReader reader) {
        this.model = model;
        this.accuracy = accuracy;
        this.latency = latency;
        this.reader = reader;
    }

    Result run(FewShotTask task, Question question, List<SloPair> slos, long seed) {
        Random random = new Random(seed);
        ReadPrompt read = ReadPrompt.of(task.prompt(question, model.tokenizer()), reader);
        Baselines baselines = new Baselines(model, read.prompt(), new Shaper(read.prompt(), read.opinion(), model.levels()));
        Map<Policy, boolean[]> right = new EnumMap<>(Policy.class);
        Arrays.stream(Policy.values()).forEach(policy -> right.put(policy, new boolean[slos.size()]));
        int[][] fixed = new int[PlanShape.SEGMENTS.size()][slos.size()];
        boolean[] fastest = new boolean[slos.size()];
        int shuffled = random.nextInt(question.choices().size());
        boolean full = isRight(Assignment.all(read.prompt(), model.full()), model.full(), question);
        Prompt alone = FewShotTask.zeroShot(question, model.tokenizer());
        boolean zeroShot = isRight(Assignment.all(alone, model.full()), model.full(), question);
        double[] worth = worth(new Decision(read.opinion().qualities()));
        for (int i = 0; i < slos.size(); i++) {
            SloPair slo = slos.get(i);
            Limits limits = new Limits(model, latency, read.prompt(), slo, read.millis());
            List<Optional<Way>> ways = baselines.fixed(limits);
            int last = choice(baselines.fastest(limits), question);
            fastest[i] = last == question.answer();
            boolean hopeless = ways.stream().allMatch(Optional::isEmpty);
            right.get(Policy.ORACLE)[i] = hopeless && last == question.answer();
            right.get(Policy.ORACLE_SHUFFLED)[i] = hopeless && last == shuffled;
            for (int shape = 0; shape < fixed.length; shape++) {
                fixed[shape][i] = -1;
                if (ways.get(shape).isPresent()) {
                    int choice = choice(ways.get(shape).get(), question);
                    fixed[shape][i] = choice == question.answer() ? 1 : 0;
                    right.get(Policy.ORACLE)[i] |= choice == question.answer();
                    right.get(Policy.ORACLE_SHUFFLED)[i] |= choice == shuffled;
                }
            }
            right.get(Policy.ELMS)[i] = planned(PlanForm.ELMS, read, slo, question);
            right.get(Policy.PAPER)[i] = planned(PlanForm.PAPER, read, slo, question);
            right.get(Policy.NO_HEAD_START)[i] = isRight(read.planner(model, latency, PlanForm.ELMS)
                    .plan(read.prompt(), ReadPrompt.ANSWER, slo.slo(), 0, Terms.BESIDE_OTHERS), question);
            right.get(Policy.NO_SCORE_HEAD)[i] = planned(PlanForm.ELMS,
                    read.scored(ReadPrompt.chance(read.opinion().keep().length, random)), slo, question);
            right.get(Policy.NO_DECISION_HEAD)[i] = planned(PlanForm.ELMS,
                    read.decided(ReadPrompt.chance(Decision.OUTPUTS, random)), slo, question);
            right.get(Policy.RANDOM)[i] = isRight(baselines.randomShape(limits, random), question);
            right.get(Policy.RANDOM_PAIR)[i] = isRight(baselines.randomPair(limits, random), question);
            right.get(Policy.INDEPENDENT)[i] = isRight(baselines.independent(limits, worth), question);
            right.get(Policy.MIDDLE)[i] = isRight(baselines.middle(limits), question);
            right.get(Policy.PROMPT_ONLY)[i] = isRight(baselines.promptOnly(limits), question);
            right.get(Policy.LEVEL_ONLY)[i] = isRight(baselines.levelOnly(limits), question);
            right.get(Policy.FULL)[i] = full;
            right.get(Policy.ZERO_SHOT)[i] = zeroShot;
        }
        return new Result(right, fixed, fastest);
    }

    private static double[] worth(Decision decision) {
        double[] worth = new double[PlanShape.WORDS.size()];
        Arrays.setAll(worth, decision::words);
        return worth;
    }

    private boolean isRight(Way way, Question question) {
        return choice(way, question) == question.answer();
    }

    private boolean isRight(Assignment assignment, SubModel answer, Question question) {
        return isRight(new Way(assignment, answer), question);
    }

    private int choice(Way way, Question question) {
        return accuracy.choice(way.assignment().spans(), Answering.steady(way.answer()), question);
    }

    private boolean planned(PlanForm form, ReadPrompt read, SloPair slo, Question question) {
        return isRight(read.plan(model, latency, form, slo), question);
    }

    private boolean isRight(Plan plan, Question question) {
        return accuracy.right(plan.spans(), plan.answering(), question);
    }
}
