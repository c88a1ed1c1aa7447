package elms.engine.decode;

import elms.engine.ElmsException;
import java.util.Optional;

/**
 * How the next token is drawn.
 *
 * @param temperature 0 takes the best token; otherwise scores are divided by it
 * @param topK keep the best so many tokens; 0 keeps all
 * @param topP keep the best tokens until their probabilities reach it; 1 keeps all
 * @param minP drop tokens less probable than this share of the best; 0 drops none
 * @param repeatPenalty divides the scores of recent tokens; 1 changes nothing. Where none is named, a level below the full model gets
 *     one for its own tokens: see {@link Sampler#next(float[], boolean)}
 * @param seed of the random numbers
 * @param offsets added to the scores before all else
 */
public record Sampling(float temperature, int topK, float topP, float minP, Optional<Float> repeatPenalty, long seed,
        Offsets offsets) {
    /** Always the best token. */
    public static final Sampling GREEDY = new Sampling(0, 40, 0.95f, 0.05f, Optional.empty(), 0, Offsets.NONE);

    public Sampling {
        require(temperature >= 0 && temperature <= 100, "temperature", temperature, "between 0 and 100");
        require(topK >= 0, "top-k", topK, "0 or more");
        require(topP > 0 && topP <= 1, "top-p", topP, "above 0 and at most 1");
        require(minP >= 0 && minP <= 1, "min-p", minP, "between 0 and 1");
        repeatPenalty.ifPresent(penalty -> require(penalty > 0 && penalty <= 100, "repeat penalty", penalty, "above 0 and at most 100"));
    }

    /** Without offsets. */
    public Sampling(float temperature, int topK, float topP, float minP, float repeatPenalty, long seed) {
        this(temperature, topK, topP, minP, Optional.of(repeatPenalty), seed, Offsets.NONE);
    }

    public Sampling withOffsets(Offsets added) {
        return new Sampling(temperature, topK, topP, minP, repeatPenalty, seed, added);
    }

    private static void require(boolean holds, String name, Number value, String range) {
        if (!holds) {
            throw new ElmsException("the " + name + " is " + value + ", but must be " + range);
        }
    }
}
