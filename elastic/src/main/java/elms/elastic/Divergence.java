package elms.elastic;

import elms.engine.decode.KvCache;
import elms.engine.decode.Logits;
import elms.engine.decode.Transformer;
import elms.engine.model.Level;
import elms.engine.model.SubModel;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import java.util.List;
import java.util.stream.IntStream;

/** How far a level's predictions are from the full model's, on texts of at most {@link Transformer#CHUNK} tokens. */
public final class Divergence {
    private final Weights weights;
    private final Transformer transformer;
    private final List<int[]> texts;
    private final float[][] reference;

    /** Reads the texts with the full model; keeps its log-probabilities, 4 bytes a token and word of the vocabulary. */
    public Divergence(Weights weights, Kernels kernels, List<int[]> texts) {
        this.weights = weights;
        this.texts = texts;
        transformer = new Transformer(weights, kernels);
        reference = texts.stream().map(text -> logProbabilities(text, Level.full(weights.config()))).toArray(float[][]::new);
    }

    /** Mean Kullback-Leibler divergence KL(full ‖ level) of the next token, in nats a token. */
    public double of(Level level) {
        double sum = 0;
        long tokens = 0;
        for (int i = 0; i < texts.size(); i++) {
            float[] full = reference[i];
            float[] own = logProbabilities(texts.get(i), level);
            sum += IntStream.range(0, full.length).parallel().mapToDouble(j -> Math.exp(full[j]) * (full[j] - own[j])).sum();
            tokens += texts.get(i).length;
        }
        return sum / tokens;
    }

    private float[] logProbabilities(int[] text, Level level) {
        float[] logits;
        try (KvCache cache = transformer.newCache(text.length)) {
            transformer.read(text, SubModel.of(weights, level), cache);
            logits = transformer.logits(0, text.length);
        }
        int vocabulary = weights.config().vocabulary();
        IntStream.range(0, text.length).parallel().forEach(token -> {
            int from = token * vocabulary;
            float total = (float) Logits.logSumExp(logits, from, vocabulary);
            for (int i = from; i < from + vocabulary; i++) {
                logits[i] -= total;
            }
        });
        return logits;
    }
}
