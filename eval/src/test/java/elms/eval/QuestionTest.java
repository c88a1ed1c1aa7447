package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.ElmsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuestionTest {
    @TempDir
    Path folder;

    @Test
    void rowsBecomeContextsInTheHarnesssForm() throws IOException {
        Path file = Files.writeString(folder.resolve("arc_easy.test.jsonl"), """
                {"id": "1", "question": "Why?", "choices": ["so", "not so"], "answer": 1}
                {"question": "What?", "choices": ["a"], "answer": 0, "context": "A passage."}
                {"question": "unread", "choices": ["a"], "answer": 0}
                """);
        assertThat(Question.task(file)).isEqualTo("arc_easy");
        assertThat(Question.read(file, 2)).containsExactly(
                new Question("Question: Why?\nAnswer:", List.of("so", "not so"), 1),
                new Question("A passage.\nQuestion: What?\nAnswer:", List.of("a"), 0));
    }

    @Test
    void openBookQuestionsAreBare() throws IOException {
        Path file = Files.writeString(folder.resolve("openbookqa.test.jsonl"), """
                {"question": "The sun is", "choices": ["hot", "cold"], "answer": 0}
                """);
        assertThat(Question.read(file, 9).getFirst().context()).isEqualTo("The sun is");
    }

    @Test
    void aBadRowIsNamed() throws IOException {
        Path file = folder.resolve("task.jsonl");
        Files.writeString(file, "{\"question\": \"?\", \"choices\": [\"a\"], \"answer\": 1}\n");
        assertThatThrownBy(() -> Question.read(file, 9)).isInstanceOf(ElmsException.class).hasMessageContaining("number of the right one");
        Files.writeString(file, "nonsense\n");
        assertThatThrownBy(() -> Question.read(file, 9)).isInstanceOf(ElmsException.class).hasMessageContaining("not JSON");
        assertThatThrownBy(() -> Question.read(folder.resolve("none"), 9)).hasMessageContaining("cannot be read");
    }
}
