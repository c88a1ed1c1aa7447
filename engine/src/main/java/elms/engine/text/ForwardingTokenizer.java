package elms.engine.text;

import java.util.Map;

/** Does what another tokenizer does, but for what a subclass does otherwise. */
public abstract class ForwardingTokenizer implements Tokenizer {
    private final Tokenizer tokenizer;

    protected ForwardingTokenizer(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    @Override
    public Encoding encode(String text) {
        return tokenizer.encode(text);
    }

    @Override
    public Encoding encode(RenderedChat chat) {
        return tokenizer.encode(chat);
    }

    @Override
    public byte[] bytes(int token) {
        return tokenizer.bytes(token);
    }

    @Override
    public Map<String, Integer> controlTokens() {
        return tokenizer.controlTokens();
    }

    @Override
    public boolean endsAnswer(int token) {
        return tokenizer.endsAnswer(token);
    }

    @Override
    public int vocabulary() {
        return tokenizer.vocabulary();
    }
}
