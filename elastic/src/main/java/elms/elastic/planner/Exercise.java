package elms.elastic.planner;

import elms.planner.Prompt;
import java.util.List;

/**
 * A prompt with its answer, to learn from what matters in it.
 *
 * @param source name of the file that it is from, up to the first dot
 * @param answers possible ones, each of which follows the prompt's text; one, where it was written freely
 * @param right number of the right one
 */
public record Exercise(String source, Prompt prompt, List<String> answers, int right) {
    /** Whether it is known which answer is right. */
    boolean isQuestion() {
        return answers.size() > 1;
    }

    String answer() {
        return answers.get(right);
    }
}
