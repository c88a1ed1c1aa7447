package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.ElmsException;
import elms.eval.AnswerStore.Key;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AnswerStoreTest {
    private static final Key FIRST = new Key(1, 2);
    private static final Key SECOND = new Key(-3, Long.MIN_VALUE);
    private static final int ROW = 16 + 4 + 2 * 4 + 4;

    @TempDir
    Path folder;

    private final List<String> warnings = new ArrayList<>();
    private Path file;

    @BeforeEach
    void fill() {
        file = folder.resolve("answers.records");
        try (AnswerStore store = open("a model")) {
            store.add(FIRST, new float[] {-1, -2});
            store.add(SECOND, new float[] {-0.5f, Float.NEGATIVE_INFINITY});
        }
    }

    private AnswerStore open(String owner) {
        return AnswerStore.of(file, owner, warnings::add);
    }

    @Test
    void whatWasAnsweredOutlivesTheProcess() {
        try (AnswerStore store = open("a model")) {
            assertThat(store.find(FIRST)).contains(new float[] {-1, -2});
            assertThat(store.find(SECOND)).contains(new float[] {-0.5f, Float.NEGATIVE_INFINITY});
            assertThat(store.find(new Key(2, 1))).isEmpty();
        }
        assertThat(warnings).isEmpty();
    }

    @Test
    void anotherModelsAnswersAreMeasuredAnew() {
        try (AnswerStore store = open("another model")) {
            assertThat(store.find(FIRST)).isEmpty();
            store.add(FIRST, new float[] {-9});
        }
        assertThat(warnings).singleElement().asString().contains("another model's or damaged");
        try (AnswerStore store = open("another model")) {
            assertThat(store.find(FIRST)).contains(new float[] {-9});
            assertThat(store.find(SECOND)).isEmpty();
        }
        assertThat(warnings).hasSize(1);
    }

    @Test
    void aRowThatWasNotWrittenToItsEndIsCutOff() throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        for (int lost = 1; lost < ROW; lost++) {
            Files.write(file, Arrays.copyOf(bytes, bytes.length - lost));
            try (AnswerStore store = open("a model")) {
                assertThat(store.find(FIRST)).isPresent();
                assertThat(store.find(SECOND)).isEmpty();
                store.add(SECOND, new float[] {-7, -8});
            }
            try (AnswerStore store = open("a model")) {
                assertThat(store.find(SECOND)).contains(new float[] {-7, -8});
            }
        }
        assertThat(warnings).isEmpty();
    }

    @Test
    void fromDamageOnEverythingIsMeasuredAnew() throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        for (int at = bytes.length - 2 * ROW; at < bytes.length; at++) {
            byte[] damaged = bytes.clone();
            damaged[at] ^= 0x55;
            Files.write(file, damaged);
            try (AnswerStore store = open("a model")) {
                assertThat(store.find(SECOND)).isEmpty();
                assertThat(store.find(FIRST).isPresent()).isEqualTo(at >= bytes.length - ROW);
            }
            assertThat(Files.size(file)).isEqualTo(bytes.length - (at < bytes.length - ROW ? 2L : 1L) * ROW);
        }
        assertThat(warnings).isNotEmpty().allMatch(warning -> warning.contains("damaged behind the first"));
    }

    @Test
    void twoMeasurementsDoNotWriteOneFile() {
        try (AnswerStore store = open("a model")) {
            assertThatThrownBy(() -> open("a model")).isInstanceOf(ElmsException.class)
                    .hasMessageContaining("in use by another measurement");
            assertThat(store.find(FIRST)).isPresent();
        }
    }
}
