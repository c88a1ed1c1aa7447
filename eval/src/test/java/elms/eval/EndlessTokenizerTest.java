package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.NanoTokenizer;
import elms.engine.gguf.Metadata;
import elms.engine.text.Tokenizer;
import elms.text.GgufTokenizer;
import org.junit.jupiter.api.Test;

class EndlessTokenizerTest {
    @Test
    void noTokenEndsAnAnswerAndAllElseIsAsItWas() {
        try (GgufTokenizer tokenizer = new GgufTokenizer(new Metadata(NanoTokenizer.metadata()))) {
            Tokenizer endless = new EndlessTokenizer(tokenizer);
            assertThat(tokenizer.endsAnswer(NanoTokenizer.END)).isTrue();
            assertThat(endless.endsAnswer(NanoTokenizer.END)).isFalse();
            assertThat(endless.remembering().endsAnswer(NanoTokenizer.END)).isFalse();
            assertThat(endless.encode("who").ids()).isEqualTo(tokenizer.encode("who").ids());
            assertThat(endless.vocabulary()).isEqualTo(NanoTokenizer.VOCABULARY);
            assertThat(endless.bytes(NanoTokenizer.END)).isEmpty();
        }
    }
}
