package elms.engine.text;

import java.util.List;

/**
 * A chat as the model reads it.
 *
 * @param controls where the template, and nobody else, wrote control tokens; in order, apart from each other
 */
public record RenderedChat(String text, List<Control> controls) {
    /**
     * A control token in the text.
     *
     * @param start in UTF-16 units
     */
    public record Control(int start, int end, int token) {
        /** The same in a text that begins later by so many UTF-16 units. */
        public Control shifted(int by) {
            return new Control(start + by, end + by, token);
        }
    }
}
