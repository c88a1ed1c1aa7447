package elms.text;

import elms.engine.ElmsException;
import elms.engine.gguf.Metadata;
import elms.engine.text.Encoding;
import elms.engine.text.RenderedChat;
import elms.engine.text.RenderedChat.Control;
import elms.engine.text.Tokenizer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

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

    private final LibraryTokenizer library;
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

    /** Merges are all that the library finds to refuse. */
    private static LibraryTokenizer load(byte[] json) {
        try {
            return new LibraryTokenizer(json);
        } catch (ElmsException e) {
            throw new ElmsException("the tokenizer merges what is not in its vocabulary: " + e.getMessage(), e);
        }
    }

    @Override
    public Encoding encode(String text) {
        return library.encode(text, 0);
    }

    @Override
    public Encoding encode(RenderedChat chat) {
        return encode(chat, library::encode);
    }

    /** Encodes a piece of text that begins at {@code offset}. */
    @FunctionalInterface
    interface Text {
        Encoding encode(String text, int offset);
    }

    /** As {@link #encode(RenderedChat)}, with a way of its own to encode what is between control tokens. */
    Encoding encode(RenderedChat chat, Text between) {
        List<Encoding> parts = new ArrayList<>();
        if (begin >= 0 && (chat.controls().isEmpty() || chat.controls().get(0).token() != begin)) {
            parts.add(new Encoding(new int[] {begin}, new int[] {0}, new int[] {0}));
        }
        int done = 0;
        for (Control control : chat.controls()) {
            parts.add(between.encode(chat.text().substring(done, control.start()), done));
            parts.add(new Encoding(new int[] {control.token()}, new int[] {control.start()}, new int[] {control.end()}));
            done = control.end();
        }
        parts.add(between.encode(chat.text().substring(done), done));
        return Encoding.of(parts);
    }

    @Override
    public Tokenizer remembering() {
        return new RememberingTokenizer(this);
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
