package elms.eval.planner;

import elms.engine.text.Range;
import elms.engine.text.Tokenizer;
import elms.eval.Question;
import elms.planner.Prompt;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A task whose questions follow a few examples.
 *
 * @param examples with their answers
 * @param questions to score, in a seeded random order; none of the examples is among them
 */
public record FewShotTask(String name, List<Question> examples, List<Question> questions) {
    private static final int SHOTS = 5;
    private static final int OCTOPUS_SHOTS = 6;
    private static final long SEED = 1;

    /** The paper's six tasks, in the order of its apps. */
    public static List<FewShotTask> paper(Path data) {
        return List.of(of(data, "openbookqa", "test", "validation", SHOTS), of(data, "arc_easy", "test", "validation", SHOTS),
                of(data, "octopus", "validation", "dev", OCTOPUS_SHOTS), of(data, "llamatouch", "validation", "", SHOTS),
                of(data, "piqa", "validation", "", SHOTS), of(data, "sciq", "test", "", SHOTS));
    }

    /**
     * Reads a task.
     *
     * @param others part of the data that the examples are from; empty for the last questions of the reported part
     */
    static FewShotTask of(Path data, String name, String reported, String others, int shots) {
        List<Question> all = Question.read(data.resolve("qa/" + name + "." + reported + ".jsonl"), Long.MAX_VALUE);
        List<Question> source = others.isEmpty() ? all : Question.read(data.resolve("qa/" + name + "." + others + ".jsonl"), Long.MAX_VALUE);
        List<Question> examples = source.subList(source.size() - shots, source.size());
        List<Question> questions = new ArrayList<>(others.isEmpty() ? all.subList(0, all.size() - shots) : all);
        Collections.shuffle(questions, new Random(SEED));
        return new FewShotTask(name, examples, questions);
    }

    /** The first questions, at most so many. */
    List<Question> first(int limit) {
        return questions.stream().limit(limit).toList();
    }

    /** A question behind the examples, which may be cut, as may a passage before the question itself. */
    Prompt prompt(Question question, Tokenizer tokenizer) {
        String before = Question.examples(examples);
        String text = before + question.context();
        return new Prompt(text, tokenizer.encode(text), List.of(new Range(0, before.length())));
    }

    /** A question alone. */
    static Prompt zeroShot(Question question, Tokenizer tokenizer) {
        return new Prompt(question.context(), tokenizer.encode(question.context()), List.of());
    }
}
