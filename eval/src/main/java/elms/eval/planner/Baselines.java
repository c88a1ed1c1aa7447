package elms.eval.planner;

import elms.engine.ElasticModel;
import elms.engine.model.SubModel;
import elms.planner.Assignment;
import elms.planner.PlanShape;
import elms.planner.Prompt;
import elms.planner.Shaper;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Ways to answer a question under an SLO that other systems would choose, or chance. */
final class Baselines {
    private static final PlanShape MIDDLE = new PlanShape(0.6, 0.6, 0.6, 0.6);

    private final ElasticModel model;
    private final Prompt prompt;
    /** What each shape of {@link PlanShape#SEGMENTS} makes of the prompt. */
    private final List<Assignment> segments;
    /** The same of {@link PlanShape#WORDS}, and the level that answers there. */
    private final List<Way> words;
    private final Assignment middle;

    Baselines(ElasticModel model, Prompt prompt, Shaper shaper) {
        this.model = model;
        this.prompt = prompt;
        segments = PlanShape.SEGMENTS.stream().map(shaper::segments).toList();
        words = PlanShape.WORDS.stream().map(shape -> new Way(shaper.words(shape), model.nearest(shape.level()))).toList();
        middle = shaper.segments(MIDDLE);
    }

    /** Every shape with the largest level that may answer; empty where that does not keep the SLO. */
    List<Optional<Way>> fixed(Limits limits) {
        return segments.stream().map(assignment -> limits.answers(assignment).stream().findFirst()
                .filter(level -> limits.reads(assignment)).map(level -> new Way(assignment, level))).toList();
    }

    /** Any of our shapes with any level that keeps the SLO. */
    Way randomShape(Limits limits, Random random) {
        List<Assignment> feasible = segments.stream()
                .filter(assignment -> limits.reads(assignment) && !limits.answers(assignment).isEmpty()).toList();
        return feasible.isEmpty() ? fastest(limits) : any(feasible.get(random.nextInt(feasible.size())), limits, random);
    }

    private static Way any(Assignment assignment, Limits limits, Random random) {
        List<SubModel> answers = limits.answers(assignment);
        return new Way(assignment, answers.get(random.nextInt(answers.size())));
    }

    /** Any pair of a prompt share and a level in the paper's form that keeps the SLO. */
    Way randomPair(Limits limits, Random random) {
        List<Way> feasible = words.stream().filter(limits::keeps).toList();
        return feasible.isEmpty() ? fastest(limits) : feasible.get(random.nextInt(feasible.size()));
    }

    /**
     * The best prompt share and the best level, each by its mean over the feasible pairs, chosen apart. Where the pair breaks the
     * SLO, the share stays and the largest level that keeps it is taken, as in the paper's authors' code.
     *
     * @param worth of each of {@link PlanShape#WORDS}
     */
    Way independent(Limits limits, double[] worth) {
        List<Integer> feasible = IntStream.range(0, words.size()).filter(i -> limits.keeps(words.get(i))).boxed().toList();
        if (feasible.isEmpty()) {
            return fastest(limits);
        }
        double share = best(feasible, i -> PlanShape.WORDS.get(i).kept(), i -> worth[i]);
        double level = best(feasible, i -> PlanShape.WORDS.get(i).level(), i -> worth[i]);
        return IntStream.range(0, words.size()).boxed().filter(i -> PlanShape.WORDS.get(i).kept() == share)
                .filter(i -> PlanShape.WORDS.get(i).level() <= level && limits.keeps(words.get(i)))
                .max(Comparator.comparingDouble(i -> PlanShape.WORDS.get(i).level())).map(words::get)
                .orElseGet(() -> fastest(limits));
    }

    private static double best(List<Integer> pairs, Function<Integer, Double> by, ToDoubleFunction<Integer> worth) {
        Map<Double, Double> means = pairs.stream().collect(Collectors.groupingBy(by, TreeMap::new, Collectors.averagingDouble(worth)));
        return means.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
    }

    /** Three fifths of the examples, read by three fifths of the model. */
    Way middle(Limits limits) {
        List<SubModel> answers = limits.answers(middle);
        return limits.reads(middle) && !answers.isEmpty() ? new Way(middle, answers.getFirst()) : fastest(limits);
    }

    /** Cuts words, and has the largest level that keeps the TPOT read and answer. */
    Way promptOnly(Limits limits) {
        for (SubModel level : model.levels()) {
            List<Way> shares = words.stream().filter(way -> way.answer() == level).toList();
            if (!shares.isEmpty() && limits.answers(shares.getFirst().assignment()).contains(level)) {
                return shares.stream().filter(way -> limits.reads(way.assignment())).findFirst().orElse(shares.getLast());
            }
        }
        return fastest(limits);
    }

    /** Reads the whole prompt and answers at the largest level that keeps both, or at the smallest. */
    Way levelOnly(Limits limits) {
        List<Way> ways = model.levels().stream().map(level -> new Way(Assignment.all(prompt, level), level)).toList();
        return ways.stream().filter(limits::keeps).findFirst().orElse(ways.getLast());
    }

    /** The smallest shape with the largest level that may answer: what is left where nothing keeps the SLO. */
    Way fastest(Limits limits) {
        Assignment last = segments.getLast();
        return new Way(last, limits.answers(last).stream().findFirst().orElse(model.levels().getLast()));
    }
}
