package elms.text;

import elms.engine.text.Encoding;
import elms.engine.text.ForwardingTokenizer;
import elms.engine.text.RenderedChat;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A tokenizer that keeps the encodings of pieces of text that it was given lately: most of a prompt was a part of the one before. A piece
 * ends in front of a space and a letter, where every supported way to cut text into words does, whatever else follows.
 */
final class RememberingTokenizer extends ForwardingTokenizer {
    /** Least characters of a piece: each is a call of the library, and what is new is encoded from the beginning of its piece on. */
    private static final int PIECE = 128;
    /** Most characters of all pieces that are kept. */
    private static final int MOST = 1 << 16;

    private final GgufTokenizer tokenizer;
    private final Map<String, Encoding> pieces = new LinkedHashMap<>(16, 0.75f, true);
    private int kept;

    RememberingTokenizer(GgufTokenizer tokenizer) {
        super(tokenizer);
        this.tokenizer = tokenizer;
    }

    @Override
    public Encoding encode(String text) {
        return encode(text, 0);
    }

    @Override
    public Encoding encode(RenderedChat chat) {
        return tokenizer.encode(chat, this::encode);
    }

    private Encoding encode(String text, int offset) {
        List<Encoding> parts = new ArrayList<>();
        for (int from = 0, to; from < text.length(); from = to) {
            to = end(text, from);
            parts.add(piece(text.substring(from, to)).shifted(offset + from));
        }
        return Encoding.of(parts);
    }

    private static int end(String text, int from) {
        for (int end = from + PIECE; end < text.length() - 1; end++) {
            if (text.charAt(end) == ' ' && isLetter(text.charAt(end + 1)) && endsWord(text.charAt(end - 1))) {
                return end;
            }
        }
        return text.length();
    }

    private static boolean isLetter(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
    }

    private static boolean endsWord(char c) {
        return c > ' ' && c < 127;
    }

    private Encoding piece(String text) {
        synchronized (pieces) {
            Encoding known = pieces.get(text);
            if (known != null) {
                return known;
            }
        }
        Encoding encoding = tokenizer.encode(text);
        synchronized (pieces) {
            if (text.length() <= MOST && pieces.put(text, encoding) == null) {
                kept += text.length();
            }
            while (kept > MOST) {
                String eldest = pieces.keySet().iterator().next();
                pieces.remove(eldest);
                kept -= eldest.length();
            }
        }
        return encoding;
    }
}
