package elms.engine.text;

import java.util.Map;

/** Text to tokens and back. */
public interface Tokenizer {
    /** Encodes text as nothing but text: what looks like a control token in it is spelt out. */
    Encoding encode(String text);

    /** Encodes a rendered chat: its control tokens are control tokens, the rest is nothing but text. */
    Encoding encode(RenderedChat chat);

    /**
     * The same, with a memory of what it was given lately, which it takes less time to encode again. That time tells what was given, so it is
     * for texts of those who may know of each other. Thread-safe if this is.
     */
    default Tokenizer remembering() {
        return this;
    }

    /** The bytes that a token stands for; none for a control token. */
    byte[] bytes(int token);

    /** Tokens that steer the model, by their spelling. */
    Map<String, Integer> controlTokens();

    /** Whether an answer ends at this token. */
    boolean endsAnswer(int token);

    int vocabulary();
}
