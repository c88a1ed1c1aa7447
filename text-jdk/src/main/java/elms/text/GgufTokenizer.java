package elms.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import elms.engine.ElmsException;
import elms.engine.gguf.Metadata;
import elms.engine.text.Encoding;
import elms.engine.text.RenderedChat;
import elms.engine.text.RenderedChat.Control;
import elms.engine.text.Tokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The byte-level BPE tokenizer that a GGUF file carries, run by the Hugging Face tokenizers library. The library is given
 * no control tokens at all, so no text can become one; they come from a {@link RenderedChat} alone.
 */
public final class GgufTokenizer implements Tokenizer, AutoCloseable {
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    /** Tokens that end an answer in some families, whether or not the file says so. */
    private static final Set<String> END_NAMES =
            Set.of("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "</s>", "<|end|>");

    private final HuggingFaceTokenizer library;
    private final byte[][] bytes;
    private final Map<String, Integer> controls = new LinkedHashMap<>();
    private final boolean[] endsAnswer;
    /** The token that every text of this model begins with, or -1. */
    private final int begin;

    /** Reads the tokenizer from the metadata of a file; throws {@link ElmsException} if it is of another kind. */
    public GgufTokenizer(Metadata metadata) {
        TokenizerJson json = TokenizerJson.of(metadata);
        String[] tokens = json.tokens();
        long[] types = metadata.integers("tokenizer.ggml.token_type").orElse(new long[tokens.length]);
        if (types.length != tokens.length) {
            throw new ElmsException("the tokenizer has " + tokens.length + " tokens, but " + types.length + " token types");
        }
        bytes = new byte[tokens.length][];
        endsAnswer = new boolean[tokens.length];
        for (int id = 0; id < tokens.length; id++) {
            boolean control = types[id] == CONTROL || types[id] == USER_DEFINED;
            bytes[id] = types[id] == CONTROL ? new byte[0] : ByteLevel.decode(tokens[id]);
            endsAnswer[id] = control && END_NAMES.contains(tokens[id]);
            if (control && !tokens[id].isEmpty()) {
                controls.put(tokens[id], id);
            }
        }
        for (String key : new String[] {"eos", "eot", "eom"}) {
            metadata.integer("tokenizer.ggml." + key + "_token_id", 0, tokens.length - 1).ifPresent(id -> endsAnswer[id] = true);
        }
        boolean addBegin = metadata.bool("tokenizer.ggml.add_bos_token").orElse(json.addsBeginByDefault());
        begin = addBegin ? metadata.integer("tokenizer.ggml.bos_token_id", 0, tokens.length - 1).orElse(-1) : -1;
        library = load(json.withoutTokens(controls.keySet()));
    }

    private static HuggingFaceTokenizer load(byte[] json) {
        System.setProperty("ai.djl.offline", "true");
        Map<String, String> options = new HashMap<>();
        options.put("addSpecialTokens", "false");
        options.put("truncation", "false");
        options.put("padding", "false");
        options.put("modelMaxLength", String.valueOf(Integer.MAX_VALUE));
        try {
            return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), options);
        } catch (IOException e) {
            throw new ElmsException("the model's tokenizer cannot be loaded: " + e.getMessage(), e);
        }
    }

    @Override
    public Encoding encode(String text) {
        return encode(text, 0, Encoding.EMPTY);
    }

    @Override
    public Encoding encode(RenderedChat chat) {
        Encoding encoding = Encoding.EMPTY;
        if (begin >= 0 && (chat.controls().isEmpty() || chat.controls().get(0).token() != begin)) {
            encoding = encoding.plus(new Encoding(new int[] {begin}, new int[] {0}, new int[] {0}));
        }
        int done = 0;
        for (Control control : chat.controls()) {
            encoding = encode(chat.text().substring(done, control.start()), done, encoding);
            encoding = encoding.plus(new Encoding(new int[] {control.token()}, new int[] {control.start()}, new int[] {control.end()}));
            done = control.end();
        }
        return encode(chat.text().substring(done), done, encoding);
    }

    /** Appends the tokens of a piece of text that begins at {@code offset}. */
    private Encoding encode(String text, int offset, Encoding before) {
        if (text.isEmpty()) {
            return before;
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
        return before.plus(new Encoding(IntStream.range(0, ids.length).map(i -> (int) ids[i]).toArray(), starts, ends));
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
    public byte[] bytes(int token) {
        return bytes[token].clone();
    }

    @Override
    public Map<String, Integer> controlTokens() {
        return Map.copyOf(controls);
    }

    @Override
    public boolean endsAnswer(int token) {
        return endsAnswer[token];
    }

    @Override
    public int vocabulary() {
        return bytes.length;
    }

    @Override
    public void close() {
        library.close();
    }
}
