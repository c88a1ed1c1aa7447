package elms.eval;

import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import java.util.Arrays;

/**
 * Which level reads which part of a prompt, and which one the answer. All write one cache.
 *
 * @param examples reads what comes before the question
 * @param question reads the question but for its end
 * @param end reads the last tokens of the prompt, after which the answer's first token is chosen
 * @param endTokens how many these are, at least 1
 * @param answer reads the answer, token by token
 */
public record Reading(SubModel examples, SubModel question, SubModel end, int endTokens, SubModel answer) {
    /** One level for everything. */
    public static Reading all(SubModel level) {
        return new Reading(level, level, level, 1, level);
    }

    /**
     * Reads a prompt into an empty cache.
     *
     * @param exampleTokens how many of the tokens come before the question
     */
    void read(Transformer transformer, int[] prompt, int exampleTokens, KvCache cache) {
        int endFrom = Math.max(0, prompt.length - endTokens);
        int questionFrom = Math.min(exampleTokens, endFrom);
        read(transformer, prompt, 0, questionFrom, examples, cache);
        read(transformer, prompt, questionFrom, endFrom, question, cache);
        read(transformer, prompt, endFrom, prompt.length, end, cache);
    }

    private static void read(Transformer transformer, int[] prompt, int from, int to, SubModel level, KvCache cache) {
        if (from < to) {
            transformer.read(Arrays.copyOfRange(prompt, from, to), level, cache);
        }
    }
}
