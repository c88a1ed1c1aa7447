package elms.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.ElmsException;
import elms.engine.NanoTokenizer;
import elms.engine.gguf.Metadata;
import elms.engine.gguf.Value;
import elms.engine.text.Encoding;
import elms.engine.text.RenderedChat;
import elms.engine.text.RenderedChat.Control;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** The small tokenizer of {@link NanoTokenizer}. The real one is compared with its reference in module eval. */
class GgufTokenizerTest {
    private static final GgufTokenizer TOKENIZER = new GgufTokenizer(new Metadata(NanoTokenizer.metadata()));

    @AfterAll
    static void close() {
        TOKENIZER.close();
    }

    @Test
    void mergesAndControlTokensAreWhereTheyBelong() {
        assertThat(TOKENIZER.encode("tho").ids()).containsExactly(259, id('o'));
        assertThat(TOKENIZER.encode("<end>").ids()).hasSize(5).doesNotContain(257);
        RenderedChat chat = new RenderedChat("<end>th<end>", List.of(new Control(0, 5, 257)));
        assertThat(TOKENIZER.encode(chat).ids()).startsWith(257, 259).hasSize(7);
        assertThat(TOKENIZER.endsAnswer(257)).isTrue();
        assertThat(TOKENIZER.endsAnswer(256)).isFalse();
        assertThat(TOKENIZER.bytes(257)).isEmpty();
    }

    @Test
    void offsetsAreInUtf16UnitsOfTheWholeText() {
        String text = "a🙂th";
        RenderedChat chat = new RenderedChat("<end>" + text, List.of(new Control(0, 5, 257)));
        Encoding encoding = TOKENIZER.encode(chat);
        assertThat(encoding.starts()).containsExactly(0, 5, 6, 6, 6, 6, 8);
        assertThat(encoding.ends()).containsExactly(5, 6, 8, 8, 8, 8, 10);
    }

    @Test
    void everyTextComesBackFromItsTokens() {
        Random random = new Random(3);
        for (int round = 0; round < 300; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(30); i > 0; i--) {
                text.appendCodePoint(switch (random.nextInt(4)) {
                    case 0 -> random.nextInt(128);
                    case 1 -> random.nextInt(0xd800);
                    case 2 -> 0x1f300 + random.nextInt(500);
                    default -> "th <end>".codePointAt(random.nextInt(8));
                });
            }
            assertThat(decode(TOKENIZER.encode(text.toString()).ids())).isEqualTo(text.toString());
        }
    }

    @Test
    void loneSurrogatesAreReplacedInPlace() {
        assertThat(decode(TOKENIZER.encode("a\ud800b\udc00").ids())).isEqualTo("a\ufffdb\ufffd");
    }

    @Test
    void aMegabyteOfOneCharacterIsEncoded() {
        assertThat(TOKENIZER.encode("t".repeat(1 << 20)).length()).isEqualTo(1 << 20);
    }

    @Test
    void whatCannotBeReadIsRefusedWithASentence() {
        refused("tokenizer.ggml.model", Value.of("llama"), "'llama', which is not supported yet");
        refused("tokenizer.ggml.model", null, "'tokenizer.ggml.model' is missing");
        refused("tokenizer.ggml.pre", Value.of("odd"), "'odd', which is not supported yet");
        refused("tokenizer.ggml.merges", Value.of(new String[] {"th"}), "which is no pair");
        refused("tokenizer.ggml.merges", Value.of(new String[] {"q z"}), "not in its vocabulary");
        refused("tokenizer.ggml.token_type", Value.int32(new long[3]), "3 token types");
        refused("tokenizer.ggml.eos_token_id", Value.uint32(5000), "must be between");
    }

    private static void refused(String key, Value value, String sentence) {
        Map<String, Value> metadata = NanoTokenizer.metadata();
        metadata.remove(key);
        if (value != null) {
            metadata.put(key, value);
        }
        assertThatThrownBy(() -> new GgufTokenizer(new Metadata(metadata))).isInstanceOf(ElmsException.class)
                .hasMessageContaining(sentence);
    }

    private static int id(char c) {
        return TOKENIZER.encode(String.valueOf(c)).ids()[0];
    }

    private static String decode(int[] ids) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int id : ids) {
            bytes.writeBytes(TOKENIZER.bytes(id));
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
