package elms.text;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.NanoTokenizer;
import elms.engine.gguf.Metadata;
import elms.engine.gguf.Value;
import elms.engine.text.Encoding;
import elms.engine.text.RenderedChat;
import elms.engine.text.RenderedChat.Control;
import elms.engine.text.Tokenizer;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RememberingTokenizerTest {
    private static final List<String> SNIPPETS = List.of("the", "tho", " the", " a", "\n", "\n\n", " ", "  ", "'s", " 'll", ".", "!?", "7", " 42",
            "\t", "\r\n", "\u00a0", "é", " é", "日本", "🙂", "<end>", " \n x", "_", " _b", "-", "e\u0301", "\ud800");

    @ParameterizedTest
    @ValueSource(strings = {"gpt-2", "smollm", "llama-bpe"})
    void encodesAsTheTokenizerDoesWhateverItRemembers(String words) {
        Map<String, Value> metadata = NanoTokenizer.metadata();
        metadata.put("tokenizer.ggml.pre", Value.of(words));
        try (GgufTokenizer plain = new GgufTokenizer(new Metadata(metadata))) {
            Tokenizer remembering = plain.remembering();
            Random random = new Random(5);
            String beginning = text(random, 200);
            for (int round = 0; round < 400; round++) {
                String text = beginning.substring(0, random.nextInt(beginning.length())) + text(random, 120);
                same(remembering.encode(text), plain.encode(text));
                RenderedChat chat = new RenderedChat("<end>" + text, List.of(new Control(0, 5, 257)));
                same(remembering.encode(chat), plain.encode(chat));
                beginning = round % 20 == 0 ? text(random, 200) : beginning;
            }
        }
    }

    private static String text(Random random, int snippets) {
        return random.ints(snippets, 0, SNIPPETS.size()).mapToObj(SNIPPETS::get).collect(Collectors.joining());
    }

    private static void same(Encoding encoding, Encoding expected) {
        assertThat(encoding.ids()).containsExactly(expected.ids());
        assertThat(encoding.starts()).containsExactly(expected.starts());
        assertThat(encoding.ends()).containsExactly(expected.ends());
    }
}
