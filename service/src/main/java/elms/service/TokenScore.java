package elms.service;

import elms.engine.decode.Logits;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/**
 * How likely a token was where it stands.
 *
 * @param logProbability natural logarithm; absent for the first token of a text
 * @param likeliest tokens that were likeliest there, best first
 */
public record TokenScore(int token, OptionalDouble logProbability, List<Alternative> likeliest) {
    /** A token that could have stood there. */
    public record Alternative(int token, double logProbability) {}

    /**
     * The score of a token by the logits of the whole vocabulary.
     *
     * @param alternatives likeliest tokens to tell
     */
    static TokenScore of(int token, float[] logits, int alternatives) {
        double sum = Logits.logSumExp(logits, 0, logits.length);
        List<Alternative> likeliest = Arrays.stream(Logits.best(logits, alternatives))
                .mapToObj(best -> new Alternative(best, logits[best] - sum)).toList();
        return new TokenScore(token, OptionalDouble.of(logits[token] - sum), likeliest);
    }
}
