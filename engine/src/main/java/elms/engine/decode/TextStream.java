package elms.engine.decode;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Turns the bytes of tokens into text that can be shown at once: a character is held back until its last byte has come, and
 * what may be the beginning of a stop string until it is none.
 */
public final class TextStream {
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE).onUnmappableCharacter(CodingErrorAction.REPLACE);
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private byte[] undecoded = {};
    private boolean stopped;

    /**
     * @param stops strings that end the text and do not belong to it; none is empty
     */
    public TextStream(List<String> stops) {
        this.stops = List.copyOf(stops);
    }

    /** Whether a stop string has come; nothing is shown from then on. */
    public boolean stopped() {
        return stopped;
    }

    /** Takes the bytes of a token and returns the text that can be shown now, often empty. */
    public String push(byte[] bytes) {
        int old = undecoded.length;
        undecoded = Arrays.copyOf(undecoded, old + bytes.length);
        System.arraycopy(bytes, 0, undecoded, old, bytes.length);
        decode(false);
        return release(heldBack());
    }

    /** The rest: what was held back, with an unfinished character replaced. */
    public String finish() {
        decode(true);
        return release(0);
    }

    private void decode(boolean last) {
        ByteBuffer bytes = ByteBuffer.wrap(undecoded);
        CharBuffer chars = CharBuffer.allocate(undecoded.length + 2);
        decoder.decode(bytes, chars, last);
        if (last) {
            decoder.flush(chars);
        }
        held.append(chars.array(), 0, chars.position());
        undecoded = Arrays.copyOfRange(undecoded, bytes.position(), undecoded.length);
    }

    private String release(int keep) {
        if (stopped) {
            return "";
        }
        int end = held.length() - keep;
        for (String stop : stops) {
            int at = held.indexOf(stop);
            if (at >= 0) {
                stopped = true;
                end = Math.min(end, at);
            }
        }
        String text = held.substring(0, Math.max(0, end));
        held.delete(0, text.length());
        return text;
    }

    /** Length of the longest end of the held text that a stop string begins with. */
    private int heldBack() {
        int longest = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
                if (stop.startsWith(held.substring(held.length() - length))) {
                    longest = length;
                }
            }
        }
        return longest;
    }
}
