package elms.elastic.planner;

import elms.planner.Prompt;
import java.util.List;

/**
 * A prompt with its answer, to learn from what matters in it.
 *
 * @param answers possible ones, each of which follows the prompt's text; one, where it was written freely
 * @param right number of the right one
 */
public record Exercise(Prompt prompt, List<String> answers, int right) {
    String answer() {
        return answers.get(right);
    }
}
