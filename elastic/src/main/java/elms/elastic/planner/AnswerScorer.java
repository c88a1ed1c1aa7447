package elms.elastic.planner;

import elms.engine.decode.KvCache;
import elms.engine.decode.Logits;
import elms.engine.decode.Transformer;
import elms.engine.decode.Transformer.Continuation;
import elms.engine.model.SubModel;
import elms.planner.Plan.Span;
import java.util.ArrayList;
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

    /**
     * Reads a prompt.
     *
     * @param room most tokens of an answer
     */
    public AnswerScorer(Transformer transformer, List<Span> spans, int room) {
        this.transformer = transformer;
        prompt = spans.stream().mapToInt(Span::length).sum();
        cache = transformer.newCache(prompt + room);
        for (Span span : spans) {
            transformer.read(span.tokens(), span.level(), cache);
        }
        first = transformer.logits().clone();
        firstSum = Logits.logSumExp(first, 0, first.length);
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

    /** The natural log-probabilities of some answers, which a level reads side by side. */
    public double[] logProbabilities(int[][] answers, SubModel level) {
        double[] sums = new double[answers.length];
        for (int i = 0; i < answers.length; i++) {
            sums[i] = first[answers[i][0]] - firstSum;
        }
        for (int from = 0; from < answers.length; ) {
            int to = from;
            int tokens = 0;
            while (to < answers.length && (to == from || tokens + answers[to].length - 1 <= Transformer.CHUNK)) {
                tokens += answers[to++].length - 1;
            }
            if (tokens > 0) {
                add(answers, from, to, tokens, level, sums);
            }
            from = to;
        }
        return sums;
    }

    /** Adds what answers [from, to) have behind their first tokens. */
    private void add(int[][] answers, int from, int to, int tokens, SubModel level, double[] sums) {
        List<Continuation> batch = new ArrayList<>();
        for (int i = from; i < to; i++) {
            if (answers[i].length > 1) {
                int[] read = Arrays.copyOf(answers[i], answers[i].length - 1);
                batch.add(new Continuation(read, cache.fork(prompt, prompt + read.length)));
            }
        }
        transformer.read(batch, level);
        float[] logits = transformer.logits(0, tokens);
        batch.forEach(sequence -> sequence.cache().close());
        int row = 0;
        for (int i = from; i < to; i++) {
            for (int token = 1; token < answers[i].length; token++) {
                int at = row++ * first.length;
                sums[i] += Logits.logProbability(logits, at, first.length, answers[i][token]);
            }
        }
    }

    @Override
    public void close() {
        cache.close();
    }
}
