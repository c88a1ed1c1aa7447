package elms.server.grammar;

import elms.engine.text.Tokenizer;
import java.util.stream.IntStream;

/** What each token of a vocabulary stands for. */
public final class TokenBytes {
    private final byte[][] bytes;
    private final boolean[] ends;

    public TokenBytes(Tokenizer tokenizer) {
        bytes = IntStream.range(0, tokenizer.vocabulary()).mapToObj(tokenizer::bytes).toArray(byte[][]::new);
        ends = new boolean[bytes.length];
        for (int token = 0; token < ends.length; token++) {
            ends[token] = tokenizer.endsAnswer(token);
        }
    }

    int count() {
        return bytes.length;
    }

    byte[] bytes(int token) {
        return bytes[token];
    }

    boolean ends(int token) {
        return ends[token];
    }
}
