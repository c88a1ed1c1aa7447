package elms.eval;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.ElmsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A multiple-choice question as a language model reads it, in the form of EleutherAI's lm-evaluation-harness.
 *
 * @param context what comes before the answer
 * @param choices possible answers, each of which follows the context and a space
 * @param answer number of the right one
 */
public record Question(String context, List<String> choices, int answer) {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Its questions are beginnings of sentences, which the choices complete. */
    private static final String COMPLETION_TASK = "openbookqa";

    /** Questions with their right answers, as they stand before another one. */
    public static String examples(List<Question> solved) {
        return solved.stream().map(question -> question.context + " " + question.choices.get(question.answer) + "\n\n")
                .collect(Collectors.joining());
    }

    /** A task's name: that of its file up to the first dot. */
    public static String task(Path file) {
        return file.getFileName().toString().replaceFirst("\\..*", "");
    }

    /** The first rows of a file of JSON lines with question, choices, the number of the right one, and perhaps a context. */
    public static List<Question> read(Path file, long limit) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.limit(limit).map(line -> parse(file, line)).toList();
        } catch (IOException e) {
            throw new ElmsException("the task " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static Question parse(Path file, String line) {
        try {
            JsonNode row = JSON.readTree(line);
            List<String> choices = row.path("choices").valueStream().map(JsonNode::asText).toList();
            int answer = row.path("answer").asInt(-1);
            if (!row.hasNonNull("question") || answer < 0 || answer >= choices.size()) {
                throw new ElmsException("the task " + file + " has a row without a question, choices or the number of the right one: "
                        + line);
            }
            String passage = row.hasNonNull("context") ? row.get("context").asText() + "\n" : "";
            String question = row.get("question").asText();
            String context = task(file).equals(COMPLETION_TASK) ? question : passage + "Question: " + question + "\nAnswer:";
            return new Question(context, choices, answer);
        } catch (JsonProcessingException e) {
            throw new ElmsException("the task " + file + " has a row that is not JSON: " + line, e);
        }
    }
}
