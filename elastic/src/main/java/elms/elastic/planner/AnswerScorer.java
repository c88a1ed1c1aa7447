package elms.elastic.planner;

import elms.engine.decode.KvCache;
import elms.engine.decode.Logits;
import elms.engine.decode.Transformer;
import elms.engine.decode.Transformer.Continuation;
import elms.engine.model.SubModel;
import elms.planner.Answering;
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
            transformer.step(List.of(new Continuation(Arrays.copyOfRange(answer, from, from + count), cache)), level);
            System.arraycopy(transformer.logits(0, count), 0, logits, (from + 1) * first.length, count * first.length);
        }
        cache.truncate(prompt);
        return logits;
    }

    /** The natural log-probabilities of some answers, which a level reads side by side. */
    public double[] logProbabilities(int[][] answers, SubModel level) {
        return logProbabilities(answers, Answering.steady(level), level);
    }

    /**
     * The same, when the full model gives the beginning of each.
     *
     * @param full the full model
     */
    public double[] logProbabilities(int[][] answers, Answering answering, SubModel full) {
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
            add(answers, from, to, answering, full, sums);
            from = to;
        }
        return sums;
    }

    /** Adds what answers [from, to) have behind their first tokens. */
    private void add(int[][] answers, int from, int to, Answering answering, SubModel full, double[] sums) {
        List<KvCache> caches = new ArrayList<>();
        for (int i = from; i < to; i++) {
            caches.add(cache.fork(prompt, prompt + answers[i].length));
        }
        add(answers, from, caches, 1, answering.fullTokens(), full, sums);
        add(answers, from, caches, answering.fullTokens(), Integer.MAX_VALUE, answering.level(), sums);
        caches.forEach(KvCache::close);
    }

    /**
     * Adds the tokens [start, end) of answers that a level gives: it reads those before them.
     *
     * @param from the first cache's answer
     */
    private void add(int[][] answers, int from, List<KvCache> caches, int start, int end, SubModel level, double[] sums) {
        List<Continuation> batch = new ArrayList<>();
        for (int i = 0; i < caches.size(); i++) {
            int last = Math.min(end, answers[from + i].length);
            if (start < last) {
                batch.add(new Continuation(Arrays.copyOfRange(answers[from + i], start - 1, last - 1), caches.get(i)));
            }
        }
        if (batch.isEmpty()) {
            return;
        }
        transformer.step(batch, level);
        float[] logits = transformer.logits(0, batch.stream().mapToInt(sequence -> sequence.ids().length).sum());
        int row = 0;
        for (int i = from; i < from + caches.size(); i++) {
            for (int token = start; token < Math.min(end, answers[i].length); token++) {
                sums[i] += Logits.logProbability(logits, row++ * first.length, first.length, answers[i][token]);
            }
        }
    }

    @Override
    public void close() {
        cache.close();
    }
}
