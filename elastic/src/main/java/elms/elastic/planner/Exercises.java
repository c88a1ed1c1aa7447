package elms.elastic.planner;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.ElmsException;
import elms.engine.text.ChatTemplate;
import elms.engine.text.Encoding;
import elms.engine.text.Message;
import elms.engine.text.Range;
import elms.engine.text.Tokenizer;
import elms.planner.Prompt;
import elms.planner.Prompts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Makes exercises of the texts that a pack is trained on: of questions with choices, few-shot prompts whose examples may be cut; of
 * instructions with an input, chats whose input may be cut; of other texts, their continuation.
 */
public final class Exercises {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MOST_EXAMPLES = 5;
    /** Of so many questions, one has fewer examples than the most. */
    private static final int FEWER_EVERY = 4;
    /** Longest prompt, in tokens; longer ones are left out. */
    private static final int LONGEST = 480;
    /** Characters of a text that are read, and that are to be continued. */
    private static final int READ = 1200;
    private static final int CONTINUED = 200;
    private static final int LONGEST_ANSWER = 300;

    private final Tokenizer tokenizer;
    private final ChatTemplate template;

    public Exercises(Tokenizer tokenizer, ChatTemplate template) {
        this.tokenizer = tokenizer;
        this.template = template;
    }

    /**
     * Exercises of some files of JSON lines, mixed.
     *
     * @param most of a file
     */
    public List<Exercise> read(List<Path> files, int most, long seed) {
        List<Exercise> exercises = new ArrayList<>();
        for (Path file : files) {
            exercises.addAll(read(file, most, new Random(seed)));
        }
        Collections.shuffle(exercises, new Random(seed));
        return exercises;
    }

    private List<Exercise> read(Path file, int most, Random random) {
        List<JsonNode> rows = new ArrayList<>(rows(file));
        String source = file.getFileName().toString().replaceFirst("\\..*", "");
        Collections.shuffle(rows, random);
        List<Exercise> exercises = new ArrayList<>();
        for (int i = 0; i < rows.size() && exercises.size() < most; i++) {
            JsonNode row = rows.get(i);
            if (row.has("choices")) {
                add(question(source, rows, i, random), exercises);
            } else if (!row.path("input").asText("").isBlank()) {
                add(instruction(source, row), exercises);
            } else if (row.has("text")) {
                add(continuation(source, row.get("text").asText(), random), exercises);
            }
        }
        return exercises;
    }

    private static List<JsonNode> rows(Path file) {
        try {
            List<JsonNode> rows = new ArrayList<>();
            for (String line : Files.readAllLines(file)) {
                rows.add(JSON.readTree(line));
            }
            return rows;
        } catch (JsonProcessingException e) {
            throw new ElmsException(file + " has a line that is not JSON", e);
        } catch (IOException e) {
            throw new ElmsException("the text " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static void add(Exercise exercise, List<Exercise> exercises) {
        if (exercise.prompt().tokens() <= LONGEST && !exercise.prompt().cuttable().isEmpty()) {
            exercises.add(exercise);
        }
    }

    private Exercise question(String source, List<JsonNode> rows, int index, Random random) {
        int examples = random.nextInt(FEWER_EVERY) == 0 ? 1 + random.nextInt(MOST_EXAMPLES - 1) : MOST_EXAMPLES;
        StringBuilder text = new StringBuilder();
        for (int i = 1; i <= examples; i++) {
            JsonNode example = rows.get((index + i * 31) % rows.size());
            String right = example.get("choices").get(example.get("answer").asInt()).asText();
            text.append(asked(example)).append(' ').append(right).append("\n\n");
        }
        Range before = new Range(0, text.length());
        text.append(asked(rows.get(index)));
        List<String> answers = rows.get(index).get("choices").valueStream().map(choice -> " " + choice.asText()).toList();
        return new Exercise(source, prompt(text.toString(), before), answers, rows.get(index).get("answer").asInt());
    }

    private static String asked(JsonNode row) {
        return "Question: " + row.get("question").asText() + "\nAnswer:";
    }

    private Exercise instruction(String source, JsonNode row) {
        String asked = row.get("input").asText().strip() + "\n\n" + row.get("instruction").asText().strip();
        List<Message> messages = List.of(Message.user(asked));
        String answer = row.get("output").asText().strip();
        return new Exercise(source, Prompts.of(messages, template.render(messages), tokenizer),
                List.of(answer.substring(0, Math.min(answer.length(), LONGEST_ANSWER))), 0);
    }

    private Exercise continuation(String source, String text, Random random) {
        int from = Math.max(0, text.indexOf(' ', random.nextInt(Math.max(1, text.length() - READ - CONTINUED))));
        int to = Math.min(text.length(), from + READ);
        int cut = Math.max(from, text.lastIndexOf(' ', Math.max(0, to - CONTINUED)));
        String read = text.substring(from, cut).strip();
        int kept = Math.max(0, read.lastIndexOf(' ', Math.max(0, read.length() - CONTINUED)));
        return new Exercise(source, prompt(read, new Range(0, kept)), List.of(text.substring(cut, to)), 0);
    }

    private Prompt prompt(String text, Range cuttable) {
        Encoding encoding = tokenizer.encode(text);
        return new Prompt(text, encoding, cuttable.end() > cuttable.start() ? List.of(cuttable) : List.of());
    }
}
