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
    /** A text, the full model's probabilities of what follows each of its tokens, and the sum of their entropies. */
    private record Reference(int[] text, float[] probabilities, double entropy) {}

    private final Weights weights;
    private final Transformer transformer;
    private final List<Reference> references;

    /** Reads the texts with the full model; keeps its probabilities, 4 bytes a token and word of the vocabulary. */
    public Divergence(Weights weights, Kernels kernels, List<int[]> texts) {
        this.weights = weights;
        transformer = new Transformer(weights, kernels);
        SubModel full = SubModel.of(weights, Level.full(weights.config()));
        references = texts.stream().map(text -> reference(text, logits(text, full))).toList();
    }

    /** Mean Kullback-Leibler divergence KL(full ‖ level) of the next token, in nats a token. */
    public double of(Level level) {
        return of(level, references.size());
    }

    /** The same on the first few texts. */
    double of(Level level, int texts) {
        SubModel own = SubModel.of(weights, level);
        double sum = 0;
        long tokens = 0;
        for (Reference full : references.subList(0, texts)) {
            sum += crossEntropy(full.probabilities(), logits(full.text(), own)) - full.entropy();
            tokens += full.text().length;
        }
        return sum / tokens;
    }

    private Reference reference(int[] text, float[] logits) {
        float[] probabilities = new float[logits.length];
        rows(logits).forEach(from -> {
            double total = Logits.logSumExp(logits, from, vocabulary());
            for (int i = from; i < from + vocabulary(); i++) {
                probabilities[i] = (float) Math.exp(logits[i] - total);
            }
        });
        return new Reference(text, probabilities, crossEntropy(probabilities, logits));
    }

    /** Summed over the tokens. One exponential a word is all it takes, where most of the time goes besides reading. */
    private double crossEntropy(float[] probabilities, float[] logits) {
        return rows(logits).mapToDouble(from -> {
            double total = Logits.logSumExp(logits, from, vocabulary());
            double sum = 0;
            for (int i = from; i < from + vocabulary(); i++) {
                sum += probabilities[i] * (total - logits[i]);
            }
            return sum;
        }).sum();
    }

    private IntStream rows(float[] logits) {
        return IntStream.range(0, logits.length / vocabulary()).parallel().map(token -> token * vocabulary());
    }

    private int vocabulary() {
        return weights.config().vocabulary();
    }

    private float[] logits(int[] text, SubModel level) {
        try (KvCache cache = transformer.newCache(text.length)) {
            transformer.read(text, level, cache);
            return transformer.logits(0, text.length);
        }
    }
}
