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

    /** One level for a prompt but for its end, and another for that. */
    public static Reading butTheEnd(SubModel level, int endTokens, SubModel end, SubModel answer) {
        return new Reading(level, level, end, endTokens, answer);
    }

    /** How many tokens of a prompt the level of the examples reads: the question, or the end, may begin earlier than they end. */
    int exampleTokens(int promptTokens, int exampleTokens) {
        return Math.min(exampleTokens, Math.max(0, promptTokens - endTokens));
    }

    /**
     * Reads a prompt into an empty cache.
     *
     * @param exampleTokens how many of the tokens come before the question
     */
    void read(Transformer transformer, int[] prompt, int exampleTokens, KvCache cache) {
        read(transformer, prompt, 0, exampleTokens(prompt.length, exampleTokens), examples, cache);
        readOn(transformer, prompt, exampleTokens, cache);
    }

    /** Reads a prompt whose {@link #exampleTokens} are in the cache. */
    void readOn(Transformer transformer, int[] prompt, int exampleTokens, KvCache cache) {
        int endFrom = Math.max(0, prompt.length - endTokens);
        read(transformer, prompt, exampleTokens(prompt.length, exampleTokens), endFrom, question, cache);
        read(transformer, prompt, endFrom, prompt.length, end, cache);
    }

    private static void read(Transformer transformer, int[] prompt, int from, int to, SubModel level, KvCache cache) {
        if (from < to) {
            transformer.read(Arrays.copyOfRange(prompt, from, to), level, cache);
        }
    }
}
