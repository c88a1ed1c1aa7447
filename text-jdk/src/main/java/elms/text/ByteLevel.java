package elms.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The alphabet of byte-level BPE (GPT-2): every byte is written as one printable character. */
final class ByteLevel {
    private static final int LETTERS = 1 << 9;
    /** The byte of each letter, or -1. */
    private static final short[] BYTES = new short[LETTERS];

    static {
        Arrays.fill(BYTES, (short) -1);
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= '¡' && b <= '¬' || b >= '®' && b <= 'ÿ';
            BYTES[printable ? b : next++] = (short) b;
        }
    }

    private ByteLevel() {}

    /** The bytes that a token of the vocabulary spells; the text itself if it is not in this alphabet. */
    static byte[] decode(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            char letter = token.charAt(i);
            if (letter >= LETTERS || BYTES[letter] < 0) {
                return token.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) BYTES[letter];
        }
        return bytes;
    }
}
