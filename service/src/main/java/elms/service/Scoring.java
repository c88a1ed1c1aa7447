package elms.service;

import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.engine.decode.KvCache;
import elms.engine.decode.Sampler;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/** Scores texts with the full model, a piece at a time, so that others' streams go on between the pieces. */
final class Scoring {
    private static final int PIECE = 64;

    private final ElasticModel model;
    private final Engine engine;

    Scoring(ElasticModel model, Engine engine) {
        this.model = model;
        this.engine = engine;
    }

    List<TokenScore> score(int[] prompt, int more, int alternatives) {
        int context = model.config().context();
        if (prompt.length == 0 || (long) prompt.length + more > context) {
            throw new ElmsException("the text has " + (prompt.length + (long) more) + " tokens, but must have between 1 and "
                    + context
                    + ", the context of " + model.name());
        }
        List<TokenScore> scores = new ArrayList<>();
        scores.add(new TokenScore(prompt[0], OptionalDouble.empty(), List.of()));
        try (KvCache cache = engine.ask(() -> engine.transformer().newCache(prompt.length + more))) {
            for (int from = 0; from < prompt.length; from += PIECE) {
                int[] piece = Arrays.copyOfRange(prompt, from, Math.min(prompt.length, from + PIECE));
                int[] next = Arrays.copyOfRange(prompt, from + 1, Math.min(prompt.length, from + 1 + PIECE));
                scores.addAll(engine.ask(() -> {
                    engine.transformer().read(piece, model.full(), cache);
                    return scores(piece.length, next, more > 0, alternatives);
                }));
            }
            for (int count = 1; count < more && !model.tokenizer().endsAnswer(scores.get(scores.size() - 1).token()); count++) {
                int last = scores.get(scores.size() - 1).token();
                scores.addAll(engine.ask(() -> {
                    engine.transformer().step(last, model.full(), cache);
                    return scores(1, new int[0], true, alternatives);
                }));
            }
        }
        return scores;
    }

    /**
     * Scores what follows the tokens of the last pass.
     *
     * @param next what follows them, as far as it is known
     * @param more whether to add the likeliest token where it is not known
     */
    private List<TokenScore> scores(int tokens, int[] next, boolean more, int alternatives) {
        int vocabulary = model.config().vocabulary();
        float[] logits = engine.transformer().logits(0, tokens);
        List<TokenScore> scores = new ArrayList<>();
        for (int i = 0; i < tokens; i++) {
            float[] own = Arrays.copyOfRange(logits, i * vocabulary, (i + 1) * vocabulary);
            if (i < next.length) {
                scores.add(TokenScore.of(next[i], own, alternatives));
            } else if (more) {
                scores.add(TokenScore.of(Sampler.best(own), own, alternatives));
            }
        }
        return scores;
    }
}
