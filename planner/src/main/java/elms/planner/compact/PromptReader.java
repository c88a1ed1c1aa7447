package elms.planner.compact;

import elms.engine.text.Range;
import java.util.List;

/** Reads a prompt before the model does. For one caller at a time. */
@FunctionalInterface
public interface PromptReader {
    /**
     * @param cuttable pieces of the text that may be cut, in order
     */
    Opinion read(String text, List<Range> cuttable);
}
