package elms.service;

import elms.engine.NanoTokenizer;
import elms.engine.text.Encoding;
import elms.engine.text.RenderedChat;
import elms.engine.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** One token a byte, without merges or control tokens in text. */
final class ByteTokenizer implements Tokenizer {
    @Override
    public Encoding encode(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[bytes.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = bytes[i] & 0xff;
        }
        return new Encoding(ids, new int[ids.length], new int[ids.length]);
    }

    @Override
    public Encoding encode(RenderedChat chat) {
        return encode(chat.text());
    }

    @Override
    public byte[] bytes(int token) {
        return token < 256 ? new byte[] {(byte) token} : new byte[0];
    }

    @Override
    public Map<String, Integer> controlTokens() {
        return Map.of();
    }

    @Override
    public boolean endsAnswer(int token) {
        return token == NanoTokenizer.END;
    }

    @Override
    public int vocabulary() {
        return NanoTokenizer.VOCABULARY;
    }
}
