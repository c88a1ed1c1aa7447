package elms.elastic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.ElmsException;
import elms.engine.text.Encoding;
import elms.engine.text.Message;
import elms.engine.text.RenderedChat;
import elms.engine.text.RenderedChat.Control;
import elms.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusTest {
    /** A token is a character. */
    private static final Tokenizer CHARACTERS = new Tokenizer() {
        @Override
        public Encoding encode(String text) {
            int[] places = IntStream.range(0, text.length()).toArray();
            return new Encoding(text.chars().toArray(), places, places);
        }

        @Override
        public Encoding encode(RenderedChat chat) {
            return encode(chat.text());
        }

        @Override
        public byte[] bytes(int token) {
            return new byte[] {(byte) token};
        }

        @Override
        public Map<String, Integer> controlTokens() {
            return Map.of();
        }

        @Override
        public boolean endsAnswer(int token) {
            return token == 0;
        }

        @Override
        public int vocabulary() {
            return 256;
        }
    };

    @TempDir
    Path folder;

    private final Corpus corpus = new Corpus(CHARACTERS, CorpusTest::render);

    /** Turns end with a control token, and another answer is begun behind the last one. */
    private static RenderedChat render(List<Message> messages) {
        StringBuilder text = new StringBuilder();
        List<Control> controls = new ArrayList<>();
        for (Message message : messages) {
            text.append(message.role()).append(':').append(message.content());
            controls.add(new Control(text.length(), text.length() + 1, 0));
            text.append(']');
        }
        return new RenderedChat(text + "assistant:", controls);
    }

    @Test
    void plainTextIsPartedByTwoEmptyLines() throws IOException {
        assertThat(read("plain.txt", "one\n\nstill one\r\n\r\n\r\ntwo\n\n\n\n\n\n")).containsExactly("one\n\nstill one", "two");
    }

    @Test
    void everyThirdLongDocumentIsAChat() throws IOException {
        String document = "a".repeat(2000);
        List<String> documents = read("plain.txt", String.join("\n\n\n", document, document, document));
        assertThat(documents.get(0)).isEqualTo(document);
        assertThat(documents.get(2)).startsWith("user:Continue this text:").endsWith("a]")
                .contains("a]assistant:a");
    }

    @Test
    void rowsAreTextsChatsOrQuestions() throws IOException {
        assertThat(read("rows.jsonl", """
                {"title": "t", "text": "a text"}
                {"instruction": "do", "input": "", "output": "done"}
                {"instruction": "do", "input": "this", "output": "done"}
                {"question": "why", "choices": ["no", "so"], "answer": 1}
                """)).containsExactly("a text", "user:do]assistant:done]", "user:do\nthis]assistant:done]", "Question: why\nAnswer: so");
    }

    @Test
    void aRowThatIsNoneOfTheseIsNamed() {
        for (String row : new String[] {"nonsense", "{}", "{\"question\": \"why\", \"choices\": [\"no\"], \"answer\": 1}"}) {
            assertThatThrownBy(() -> read("rows.jsonl", "{\"text\": \"fine\"}\n" + row + "\n")).isInstanceOf(ElmsException.class)
                    .hasMessageContaining("rows.jsonl, line 2, is no JSON row with a text");
        }
        assertThatThrownBy(() -> corpus.read(folder.resolve("none.txt"))).hasMessageContaining("cannot be read");
    }

    @Test
    void everyFileHasAnEqualPartAndSelectionComesFromOtherDocuments() {
        List<int[]> longFile = IntStream.range(0, 12).mapToObj(i -> filled(i, 300)).toList();
        List<int[]> shortFile = IntStream.range(100, 102).mapToObj(i -> filled(i, 300)).toList();
        Calibration calibration = Calibration.of(List.of(longFile, shortFile), new int[] {7});
        long fromShort = calibration.training().stream().filter(sequence -> sequence[255] >= 100).count();
        assertThat(fromShort).isEqualTo(calibration.training().size() / 2);
        assertThat(calibration.training()).allMatch(sequence -> sequence.length == 256 && sequence[255] != 101 && sequence[255] < 110);
        assertThat(calibration.selection()).anyMatch(sequence -> sequence[0] == 101);
        assertThatThrownBy(() -> Calibration.of(List.of(List.of(filled(1, 300))), new int[0])).hasMessageContaining("too short");
    }

    private static int[] filled(int value, int length) {
        return IntStream.generate(() -> value).limit(length).toArray();
    }

    private List<String> read(String name, String content) throws IOException {
        return corpus.read(Files.writeString(folder.resolve(name), content)).stream()
                .map(ids -> new String(ids, 0, ids.length)).toList();
    }
}
