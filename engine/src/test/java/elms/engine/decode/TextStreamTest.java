package elms.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TextStreamTest {
    @Test
    void aCharacterAppearsWithItsLastByte() {
        TextStream stream = new TextStream(List.of());
        byte[] bytes = "é👩‍👦".getBytes(StandardCharsets.UTF_8);
        StringBuilder shown = new StringBuilder();
        for (byte b : bytes) {
            String piece = stream.push(new byte[] {b});
            assertThat(piece).doesNotContain("\ufffd");
            shown.append(piece);
        }
        assertThat(shown.append(stream.finish()).toString()).isEqualTo("é👩‍👦");
    }

    @Test
    void anUnfinishedCharacterIsReplacedAtTheEnd() {
        TextStream stream = new TextStream(List.of());
        assertThat(stream.push(new byte[] {'a', (byte) 0xe2, (byte) 0x82})).isEqualTo("a");
        assertThat(stream.finish()).isEqualTo("\ufffd");
    }

    @Test
    void aStopStringIsNeverShownNorWhatFollows() {
        TextStream stream = new TextStream(List.of("STOP", "\n\n"));
        assertThat(push(stream, "one S")).isEqualTo("one ");
        assertThat(push(stream, "T")).isEmpty();
        assertThat(push(stream, "A")).isEqualTo("STA");
        assertThat(push(stream, "STOP two")).isEmpty();
        assertThat(stream.stopped()).isTrue();
        assertThat(push(stream, "three")).isEmpty();
        assertThat(stream.finish()).isEmpty();
    }

    @Test
    void theFirstOfSeveralStopStringsCounts() {
        TextStream stream = new TextStream(List.of("bc", "ab"));
        assertThat(push(stream, "xabc")).isEqualTo("x");
        assertThat(stream.stopped()).isTrue();
    }

    @Test
    void whatWasHeldBackComesAtTheEnd() {
        TextStream stream = new TextStream(List.of("STOP"));
        assertThat(push(stream, "one STO")).isEqualTo("one ");
        assertThat(stream.finish()).isEqualTo("STO");
    }

    @Test
    void howTheBytesAreCutDoesNotMatter() {
        String text = "naïve 日本語 <end> 🙂 tail";
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        Random random = new Random(1);
        for (int round = 0; round < 200; round++) {
            TextStream stream = new TextStream(List.of("<end> 🙂 t!"));
            StringBuilder shown = new StringBuilder();
            for (int from = 0; from < bytes.length; ) {
                int to = Math.min(bytes.length, from + 1 + random.nextInt(6));
                shown.append(stream.push(java.util.Arrays.copyOfRange(bytes, from, to)));
                from = to;
            }
            assertThat(shown.append(stream.finish()).toString()).isEqualTo(text);
        }
    }

    private static String push(TextStream stream, String text) {
        return stream.push(text.getBytes(StandardCharsets.UTF_8));
    }
}
