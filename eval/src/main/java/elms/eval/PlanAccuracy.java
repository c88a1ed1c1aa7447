package elms.eval;

import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.engine.text.Tokenizer;
import elms.planner.Plan;
import elms.planner.Plan.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Whether a question is answered rightly when its prompt is read, and its answer given, as a plan says. */
final class PlanAccuracy {
    /** What decides about an answer. */
    private record Key(List<SubModel> levels, List<Integer> tokens) {
        static Key of(Plan plan, SubModel answer) {
            List<Integer> tokens = plan.spans().stream().flatMapToInt(span -> Arrays.stream(span.tokens())).boxed().toList();
            List<SubModel> levels = new ArrayList<>();
            levels.add(answer);
            plan.spans().forEach(span -> Arrays.stream(span.tokens()).forEach(id -> levels.add(span.level())));
            return new Key(levels, tokens);
        }
    }

    private final Transformer transformer;
    private final Tokenizer tokenizer;
    private final Map<Key, Boolean> known = new HashMap<>();

    PlanAccuracy(Transformer transformer, Tokenizer tokenizer) {
        this.transformer = transformer;
        this.tokenizer = tokenizer;
    }

    /**
     * By log-probability a character, as lm-evaluation-harness does.
     *
     * @param answer the level that answers
     */
    boolean right(Plan plan, SubModel answer, Question question) {
        return known.computeIfAbsent(Key.of(plan, answer), key -> choice(plan, answer, question) == question.answer());
    }

    private int choice(Plan plan, SubModel answer, Question question) {
        try (KvCache cache = transformer.newCache(transformer.weights().config().context())) {
            for (Span span : plan.spans()) {
                transformer.read(span.tokens(), span.level(), cache);
            }
            float[] first = transformer.logits().clone();
            int best = 0;
            double most = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < question.choices().size(); i++) {
                String choice = question.choices().get(i);
                double score = score(tokenizer.encode(" " + choice).ids(), first, answer, cache) / Math.max(1, choice.length());
                cache.truncate(plan.promptTokens());
                best = score > most ? i : best;
                most = Math.max(most, score);
            }
            return best;
        }
    }

    private double score(int[] choice, float[] first, SubModel level, KvCache cache) {
        double sum = Perplexity.logProbability(first, 0, first.length, choice[0]);
        if (choice.length > 1) {
            transformer.read(Arrays.copyOf(choice, choice.length - 1), level, cache);
            float[] logits = transformer.logits(0, choice.length - 1);
            for (int i = 1; i < choice.length; i++) {
                sum += Perplexity.logProbability(logits, (i - 1) * first.length, first.length, choice[i]);
            }
        }
        return sum;
    }
}
