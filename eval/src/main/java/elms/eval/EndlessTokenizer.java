package elms.eval;

import elms.engine.text.Encoding;
import elms.engine.text.RenderedChat;
import elms.engine.text.Tokenizer;
import java.util.Map;

/** A tokenizer by which no answer ends before it is as long as was asked for: a level that answers in fewer words is not faster. */
record EndlessTokenizer(Tokenizer tokenizer) implements Tokenizer {
    @Override
    public Encoding encode(String text) {
        return tokenizer.encode(text);
    }

    @Override
    public Encoding encode(RenderedChat chat) {
        return tokenizer.encode(chat);
    }

    @Override
    public Tokenizer remembering() {
        return new EndlessTokenizer(tokenizer.remembering());
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
        return false;
    }

    @Override
    public int vocabulary() {
        return tokenizer.vocabulary();
    }
}
