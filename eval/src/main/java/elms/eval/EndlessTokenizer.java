package elms.eval;

import elms.engine.text.ForwardingTokenizer;
import elms.engine.text.Tokenizer;

/** A tokenizer by which no answer ends before it is as long as was asked for: a level that answers in fewer words is not faster. */
final class EndlessTokenizer extends ForwardingTokenizer {
    private final Tokenizer tokenizer;

    EndlessTokenizer(Tokenizer tokenizer) {
        super(tokenizer);
        this.tokenizer = tokenizer;
    }

    @Override
    public Tokenizer remembering() {
        return new EndlessTokenizer(tokenizer.remembering());
    }

    @Override
    public boolean endsAnswer(int token) {
        return false;
    }
}
