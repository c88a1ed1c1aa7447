package elms.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import elms.engine.ElmsException;
import elms.engine.text.Encoding;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/** The Hugging Face tokenizers library, with places in UTF-16 units and any text as input. */
final class LibraryTokenizer implements AutoCloseable {
    private final HuggingFaceTokenizer library;

    /**
     * @param json a tokenizer in the library's own format
     */
    LibraryTokenizer(byte[] json) {
        System.setProperty("ai.djl.offline", "true");
        Map<String, String> options = new HashMap<>();
        options.put("addSpecialTokens", "false");
        options.put("truncation", "false");
        options.put("padding", "false");
        options.put("modelMaxLength", String.valueOf(Integer.MAX_VALUE));
        try {
            library = HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), options);
        } catch (IOException | RuntimeException e) {
            throw new ElmsException("a tokenizer cannot be loaded: " + e.getMessage(), e);
        }
    }

    /** The tokens of a piece of text that begins at {@code offset}. */
    Encoding encode(String text, int offset) {
        if (text.isEmpty()) {
            return Encoding.EMPTY;
        }
        String clean = withoutLoneSurrogates(text);
        ai.djl.huggingface.tokenizers.Encoding encoded = library.encode(clean, false, false);
        long[] ids = encoded.getIds();
        CharSpan[] spans = encoded.getCharTokenSpans();
        int[] units = clean.codePointCount(0, clean.length()) == clean.length() ? null : unitsOfCodePoints(clean);
        int[] starts = new int[ids.length];
        int[] ends = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            starts[i] = offset + (units == null ? spans[i].getStart() : units[spans[i].getStart()]);
            ends[i] = offset + (units == null ? spans[i].getEnd() : units[spans[i].getEnd()]);
        }
        return new Encoding(IntStream.range(0, ids.length).map(i -> (int) ids[i]).toArray(), starts, ends);
    }

    /** The UTF-16 offset of every code point, and of the end. */
    private static int[] unitsOfCodePoints(String text) {
        int[] units = new int[text.codePointCount(0, text.length()) + 1];
        for (int point = 0, unit = 0; unit < text.length(); point++) {
            units[point] = unit;
            unit += Character.charCount(text.codePointAt(unit));
        }
        units[units.length - 1] = text.length();
        return units;
    }

    /** Half a surrogate pair is no character; the library cannot take it. */
    private static String withoutLoneSurrogates(String text) {
        StringBuilder clean = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
            } else if (Character.isSurrogate(c)) {
                clean = clean == null ? new StringBuilder(text) : clean;
                clean.setCharAt(i, '\ufffd');
            }
        }
        return clean == null ? text : clean.toString();
    }

    @Override
    public void close() {
        library.close();
    }
}
