package elms.engine.decode;

import elms.engine.ElmsException;
import java.util.Map;

/**
 * What is added to the scores of tokens before one is drawn, as OpenAI's API has it.
 *
 * @param presence taken from every token that the answer has; negative calls for them
 * @param frequency taken from a token as often as the answer has it
 * @param bias added to single tokens, by number
 */
public record Offsets(float presence, float frequency, Map<Integer, Float> bias) {
    /** Changes nothing. */
    public static final Offsets NONE = new Offsets(0, 0, Map.of());

    public Offsets {
        bias = Map.copyOf(bias);
        if (!Float.isFinite(presence) || !Float.isFinite(frequency) || !bias.values().stream().allMatch(Float::isFinite)) {
            throw new ElmsException("a penalty or a bias of a token is not finite");
        }
    }

    /** Throws {@link ElmsException} if it names a token that is none of the vocabulary. */
    public void requireWithin(int vocabulary) {
        bias.keySet().stream().filter(token -> token < 0 || token >= vocabulary).findAny().ifPresent(token -> {
            throw new ElmsException("a bias is given to token " + token + ", but tokens lie between 0 and " + (vocabulary - 1));
        });
    }
}
