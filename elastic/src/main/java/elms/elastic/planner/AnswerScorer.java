package elms.elastic.planner;

import elms.engine.decode.KvCache;
import elms.engine.decode.Logits;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.planner.Plan.Span;
import java.util.Arrays;
import java.util.List;

/**
 * What a model thinks of given answers, when the spans of a prompt are read each at its level. One instance holds one prompt at a
 * time.
 */
public final class AnswerScorer implements AutoCloseable {
    private final Transformer transformer;
    private final KvCache cache;
    private final int prompt;
    private final float[] first;
    private final double firstSum;
    private final double millis;

    /**
     * Reads a prompt.
     *
     * @param room most tokens of an answer
     */
    public AnswerScorer(Transformer transformer, List<Span> spans, int room) {
        this.transformer = transformer;
        prompt = spans.stream().mapToInt(Span::length).sum();
        cache = transformer.newCache(prompt + room);
        long start = System.nanoTime();
        for (Span span : spans) {
            transformer.read(span.tokens(), span.level(), cache);
        }
        float[] next = transformer.logits();
        millis = (System.nanoTime() - start) / 1e6;
        first = next.clone();
        firstSum = Logits.logSumExp(first, 0, first.length);
    }

    /** Time that it took to read the prompt and to score what may follow, in milliseconds. */
    public double prefillMillis() {
        return millis;
    }

    /** Scores of every token of the vocabulary at each token of an answer, one row each; a level reads the answer. */
    public float[] logits(int[] answer, SubModel level) {
        float[] logits = Arrays.copyOf(first, answer.length * first.length);
        int read = answer.length - 1;
        for (int from = 0; from < read; from += Transformer.CHUNK) {
            int count = Math.min(Transformer.CHUNK, read - from);
            transformer.read(Arrays.copyOfRange(answer, from, from + count), level, cache);
            System.arraycopy(transformer.logits(0, count), 0, logits, (from + 1) * first.length, count * first.length);
        }
        cache.truncate(prompt);
        return logits;
    }

    /** The natural log-probability of an answer, which a level reads. */
    public double logProbability(int[] answer, SubModel level) {
        float[] logits = logits(answer, level);
        double sum = 0;
        for (int i = 0; i < answer.length; i++) {
            sum += logits[i * first.length + answer[i]] - (i == 0 ? firstSum : Logits.logSumExp(logits, i * first.length, first.length));
        }
        return sum;
    }

    @Override
    public void close() {
        cache.close();
    }
}
