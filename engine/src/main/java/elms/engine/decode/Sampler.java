package elms.engine.decode;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** Draws tokens from scores, with the filters in llama.cpp's order: offsets, repeat penalty, top-k, top-p, min-p, temperature. */
public final class Sampler {
    private static final int REPEAT_WINDOW = 64;
    /** What a level below the full model gets where no penalty is named. */
    private static final float SMALLER_PENALTY = 1.1f;

    private final Sampling sampling;
    private final SplittableRandom random;
    /** Of prompt and answer; the last ones are the answer's. */
    private final Deque<Integer> recent = new ArrayDeque<>();
    private int draws;
    /** How often each token was drawn. */
    private final Map<Integer, Integer> drawn = new HashMap<>();

    public Sampler(Sampling sampling) {
        this.sampling = sampling;
        this.random = new SplittableRandom(sampling.seed());
    }

    /** Makes a token of the prompt or the answer count as recent. */
    public void accept(int token) {
        recent.addLast(token);
        if (recent.size() > REPEAT_WINDOW) {
            recent.removeFirst();
        }
    }

    /** Draws the next token and accepts it; changes {@code logits}, which are the full model's. */
    public int next(float[] logits) {
        return next(logits, false);
    }

    /**
     * Draws the next token and accepts it; changes {@code logits}.
     *
     * @param smaller whether they come from a level below the full model, which soon repeats itself: where no repeat penalty is named, it
     *     gets a light one for what was drawn lately
     */
    public int next(float[] logits, boolean smaller) {
        offset(logits);
        if (sampling.repeatPenalty().isPresent()) {
            penalize(recent.stream(), sampling.repeatPenalty().get(), logits);
        } else if (smaller) {
            penalize(recent.stream().skip(Math.max(0, recent.size() - draws)), SMALLER_PENALTY, logits);
        }
        int token = sampling.temperature() == 0 ? best(logits) : draw(logits);
        accept(token);
        draws++;
        drawn.merge(token, 1, Integer::sum);
        return token;
    }

    /** The first token with the highest score. */
    public static int best(float[] logits) {
        int best = 0;
        for (int token = 1; token < logits.length; token++) {
            if (logits[token] > logits[best]) {
                best = token;
            }
        }
        return best;
    }

    private void offset(float[] logits) {
        Offsets offsets = sampling.offsets();
        offsets.bias().forEach((token, added) -> logits[token] += added);
        drawn.forEach((token, times) -> logits[token] -= offsets.presence() + times * offsets.frequency());
    }

    private static void penalize(Stream<Integer> tokens, float penalty, float[] logits) {
        tokens.distinct().forEach(token -> {
            float logit = logits[token];
            logits[token] = logit > 0 ? logit / penalty : logit * penalty;
        });
    }

    private int draw(float[] logits) {
        int[] tokens = Logits.best(logits, sampling.topK() == 0 ? logits.length : sampling.topK());
        double[] probabilities = softmax(logits, tokens, tokens.length, 1);
        int kept = tokens.length;
        double sum = 0;
        for (int i = 0; i < kept; i++) {
            if (probabilities[i] < sampling.minP() * probabilities[0]) {
                kept = i;
            } else {
                sum += probabilities[i];
                if (sum >= sampling.topP()) {
                    kept = i + 1;
                }
            }
        }
        probabilities = softmax(logits, tokens, kept, sampling.temperature());
        double point = random.nextDouble();
        for (int i = 0; i < kept; i++) {
            point -= probabilities[i];
            if (point < 0) {
                return tokens[i];
            }
        }
        return tokens[0];
    }

    private static double[] softmax(float[] logits, int[] tokens, int count, float temperature) {
        double[] probabilities = new double[count];
        double sum = 0;
        for (int i = 0; i < count; i++) {
            probabilities[i] = Math.exp((logits[tokens[i]] - logits[tokens[0]]) / temperature);
            sum += probabilities[i];
        }
        for (int i = 0; i < count; i++) {
            probabilities[i] /= sum;
        }
        return probabilities;
    }
}
