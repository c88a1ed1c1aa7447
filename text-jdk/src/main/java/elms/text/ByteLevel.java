package elms.text;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** The alphabet of byte-level BPE (GPT-2): every byte is written as one printable character. */
final class ByteLevel {
    private static final Map<Character, Byte> BYTES = new HashMap<>();

    static {
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= '¡' && b <= '¬' || b >= '®' && b <= 'ÿ';
            BYTES.put((char) (printable ? b : next++), (byte) b);
        }
    }

    private ByteLevel() {}

    /** The bytes that a token of the vocabulary spells; the text itself if it is not in this alphabet. */
    static byte[] decode(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            Byte b = BYTES.get(token.charAt(i));
            if (b == null) {
                return token.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = b;
        }
        return bytes;
    }
}
