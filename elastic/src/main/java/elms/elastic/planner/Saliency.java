package elms.elastic.planner;

import elms.elastic.recovery.Decoder;
import elms.elastic.torch.Tensors;
import elms.engine.text.Encoding;
import elms.engine.text.Tokenizer;
import elms.planner.Prompt;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;

/**
 * How much each token of a prompt matters to the full model's answer: the change of the answer's log-probability, to first order, if
 * the token's embedding were zero (gradient times input: Shrikumar et al., arXiv 1605.01713).
 */
final class Saliency {
    private static final int LONGEST_ANSWER = 48;

    private final Decoder decoder;
    private final Tokenizer tokenizer;

    Saliency(Decoder decoder, Tokenizer tokenizer) {
        this.decoder = decoder;
        this.tokenizer = tokenizer;
    }

    /** One number a token of the prompt. */
    float[] of(Exercise exercise) {
        Encoding prompt = exercise.prompt().encoding();
        int[] answer = tokenizer.encode(exercise.answer()).ids();
        int answerTokens = Math.min(answer.length, LONGEST_ANSWER);
        int[] text = IntStream.concat(Arrays.stream(prompt.ids()), Arrays.stream(answer, 0, answerTokens)).toArray();
        try (PointerScope scope = new PointerScope()) {
            return Arrays.copyOf(Tensors.floats(decoder.saliency(text, prompt.length())), prompt.length());
        }
    }
}
