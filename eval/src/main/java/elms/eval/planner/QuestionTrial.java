package elms.eval.planner;

import elms.engine.ElasticModel;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.eval.PlanAccuracy;
import elms.eval.Question;
import elms.planner.Assignment;
import elms.planner.Forecast;
import elms.planner.LatencyModel;
import elms.planner.Plan;
import elms.planner.Plan.Span;
import elms.planner.PlanForm;
import elms.planner.PlanShape;
import elms.planner.Planner;
import elms.planner.Prompt;
import elms.planner.Shaper;
import elms.planner.compact.Opinion;
import elms.planner.compact.PromptReader;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;

/** What every policy makes of one question under every SLO. */
final class QuestionTrial {
    /** Longest answer that plans are made for, in tokens. */
    static final int ANSWER = 32;
    private static final PlanShape MIDDLE = new PlanShape(0.6, 0.6, 0.6, 0.6);

    /** Which choice is taken when the spans of the prompt are read so, and a level answers. */
    private interface Choices {
        int of(List<Span> spans, SubModel answer);
    }

    /** Ways to choose a plan. */
    enum Policy {
        ELMS, PAPER, RANDOM, PROMPT_ONLY, LEVEL_ONLY, MIDDLE, ORACLE, ORACLE_SHUFFLED, FULL, ZERO_SHOT, NO_SCORE_HEAD, NO_DECISION_HEAD
    }

    /**
     * Whether a policy's answers were right, one an SLO.
     *
     * @param fixed of every shape of {@link PlanShape#SEGMENTS}, one an SLO: 1 right, 0 wrong, -1 not feasible
     */
    record Result(Map<Policy, boolean[]> right, int[][] fixed) {}

    private final ElasticModel model;
    private final Transformer transformer;
    private final LatencyModel latency;
    private final PromptReader reader;

    QuestionTrial(ElasticModel model, Transformer transformer, LatencyModel latency, PromptReader reader) {
        this.model = model;
        this.transformer = transformer;
        this.latency = latency;
        this.reader = reader;
    }

    Result run(FewShotTask task, Question question, List<SloPair> slos, long seed) {
        Random random = new Random(seed);
        Prompt prompt = task.prompt(question, model.tokenizer());
        PlanAccuracy accuracy = new PlanAccuracy(transformer, model.tokenizer());
        Choices choices = (spans, answer) -> accuracy.choice(spans, answer, question);
        long start = System.nanoTime();
        Opinion opinion = reader.read(prompt.text(), prompt.cuttable());
        double overhead = (System.nanoTime() - start) / 1e6;
        Shaper shaper = new Shaper(prompt, opinion, model.levels());
        List<Assignment> segments = PlanShape.SEGMENTS.stream().map(shaper::segments).toList();
        Map<Policy, boolean[]> right = new EnumMap<>(Policy.class);
        for (Policy policy : Policy.values()) {
            right.put(policy, new boolean[slos.size()]);
        }
        int[][] fixed = new int[segments.size()][slos.size()];
        int shuffled = random.nextInt(question.choices().size());
        Prompt alone = FewShotTask.zeroShot(question, model.tokenizer());
        int whole = choices.of(Assignment.all(prompt, model.full()).spans(), model.full());
        int zeroShot = choices.of(Assignment.all(alone, model.full()).spans(), model.full());
        for (int i = 0; i < slos.size(); i++) {
            SloPair slo = slos.get(i);
            Limits limits = new Limits(prompt, slo, overhead);
            List<Integer> feasible = new ArrayList<>();
            for (int shape = 0; shape < segments.size(); shape++) {
                Optional<SubModel> answer = limits.answer(segments.get(shape));
                fixed[shape][i] = -1;
                if (answer.isPresent() && limits.reads(segments.get(shape))) {
                    int choice = choices.of(segments.get(shape).spans(), answer.get());
                    fixed[shape][i] = choice == question.answer() ? 1 : 0;
                    right.get(Policy.ORACLE)[i] |= choice == question.answer();
                    right.get(Policy.ORACLE_SHUFFLED)[i] |= choice == shuffled;
                    feasible.add(shape);
                }
            }
            record(right, Policy.ELMS, i, question, choice(reader, PlanForm.ELMS, prompt, slo, choices));
            record(right, Policy.PAPER, i, question, choice(reader, PlanForm.PAPER, prompt, slo, choices));
            record(right, Policy.NO_SCORE_HEAD, i, question, choice(blind(random, true), PlanForm.ELMS, prompt, slo, choices));
            record(right, Policy.NO_DECISION_HEAD, i, question, choice(blind(random, false), PlanForm.ELMS, prompt, slo, choices));
            record(right, Policy.RANDOM, i, question, random(segments, feasible, limits, choices, random));
            record(right, Policy.MIDDLE, i, question, first(List.of(shaper.segments(MIDDLE)), limits, segments, choices));
            record(right, Policy.PROMPT_ONLY, i, question, promptOnly(shaper, limits, segments, choices));
            record(right, Policy.LEVEL_ONLY, i, question, oneLevel(prompt, limits, segments, choices));
            record(right, Policy.FULL, i, question, whole);
            record(right, Policy.ZERO_SHOT, i, question, zeroShot);
        }
        return new Result(right, fixed);
    }

    private static void record(Map<Policy, boolean[]> right, Policy policy, int slo, Question question, int choice) {
        right.get(policy)[slo] = choice == question.answer();
    }

    private int choice(PromptReader reads, PlanForm form, Prompt prompt, SloPair slo, Choices choices) {
        Plan plan = new Planner(model.levels(), new Forecast(latency), Optional.of(reads), form).plan(prompt, ANSWER, slo.slo(), 0);
        return choices.of(plan.spans(), plan.decode());
    }

    /** The compact language model with one of its heads replaced by chance. */
    private PromptReader blind(Random random, boolean scores) {
        return (text, cuttable) -> {
            Opinion opinion = reader.read(text, cuttable);
            float[] replaced = (scores ? opinion.keep() : opinion.qualities()).clone();
            for (int i = 0; i < replaced.length; i++) {
                replaced[i] = random.nextFloat();
            }
            return new Opinion(opinion.pieces(), scores ? replaced : opinion.keep(), opinion.summary(),
                    scores ? opinion.qualities() : replaced);
        };
    }

    private int random(List<Assignment> segments, List<Integer> feasible, Limits limits, Choices choices, Random random) {
        if (feasible.isEmpty()) {
            return fastest(segments, limits, choices);
        }
        Assignment assignment = segments.get(feasible.get(random.nextInt(feasible.size())));
        List<SubModel> answers = model.levels().stream().filter(level -> limits.answers(level, assignment)).toList();
        return choices.of(assignment.spans(), answers.get(random.nextInt(answers.size())));
    }

    /** Cuts words, and has the largest level that keeps the TPOT read and answer. */
    private int promptOnly(Shaper shaper, Limits limits, List<Assignment> segments, Choices choices) {
        for (SubModel level : model.levels()) {
            List<Assignment> shares = PlanShape.WORDS.stream().filter(shape -> model.nearest(shape.level()) == level).map(shaper::words).toList();
            if (!shares.isEmpty() && limits.answers(level, shares.getFirst())) {
                Assignment chosen = shares.stream().filter(limits::reads).findFirst().orElse(shares.getLast());
                return choices.of(chosen.spans(), level);
            }
        }
        return fastest(segments, limits, choices);
    }

    /** Reads the whole prompt and answers at the largest level that keeps both, or at the smallest. */
    private int oneLevel(Prompt prompt, Limits limits, List<Assignment> segments, Choices choices) {
        Predicate<SubModel> keeps = level -> {
            Assignment all = Assignment.all(prompt, level);
            return limits.reads(all) && limits.answers(level, all);
        };
        SubModel level = model.levels().stream().filter(keeps).findFirst().orElse(model.levels().getLast());
        return choices.of(Assignment.all(prompt, level).spans(), level);
    }

    /** The first feasible plan, or the fastest of all. */
    private int first(List<Assignment> candidates, Limits limits, List<Assignment> all, Choices choices) {
        for (Assignment assignment : candidates) {
            Optional<SubModel> answer = limits.answer(assignment);
            if (answer.isPresent() && limits.reads(assignment)) {
                return choices.of(assignment.spans(), answer.get());
            }
        }
        return fastest(all, limits, choices);
    }

    private int fastest(List<Assignment> all, Limits limits, Choices choices) {
        Assignment last = all.getLast();
        return choices.of(last.spans(), limits.answer(last).orElse(model.levels().getLast()));
    }

    /** What keeps an SLO, as predicted. */
    private final class Limits {
        private final double ttft;
        private final double tpot;
        private final double overhead;

        Limits(Prompt prompt, SloPair slo, double overhead) {
            ttft = slo.ttft() / 100.0 * latency.prefillMillis(model.full(), prompt.tokens());
            tpot = slo.tpot() / 100.0 * latency.decodeMillis(model.full(), prompt.tokens() + ANSWER / 2);
            this.overhead = overhead;
        }

        boolean reads(Assignment assignment) {
            boolean untouched = assignment.parts().size() == 1 && assignment.parts().getFirst().level() == model.full();
            return (untouched ? 0 : overhead) + latency.prefillMillis(0, assignment.parts()) <= ttft;
        }

        boolean answers(SubModel level, Assignment assignment) {
            return latency.decodeMillis(level, assignment.tokens() + ANSWER / 2) <= tpot;
        }

        /** The largest level that may answer. */
        Optional<SubModel> answer(Assignment assignment) {
            return model.levels().stream().filter(level -> answers(level, assignment)).findFirst();
        }
    }
}
