package elms.eval;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.ElmsException;
import elms.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Text that nothing is trained, calibrated or chosen on: the beginning of WikiText-2's test set, and of two of the books.
 *
 * @param name what it is
 * @param windows sequences that are read each on its own
 */
public record HeldOut(String name, List<int[]> windows) {
    private static final int WINDOW = 512;
    private static final int WIKITEXT_TOKENS = 50_000;
    private static final int BOOK_TOKENS = 25_000;
    private static final List<String> BOOKS = List.of("The-War-of-the-Worlds_36", "Treasure-Island_120");

    /**
     * Reads it.
     *
     * @param data folder that holds text/wikitext2.test.txt and text/books.jsonl
     * @param most windows to keep of each source
     */
    public static HeldOut read(Path data, Tokenizer tokenizer, long most) {
        try {
            List<int[]> windows = new ArrayList<>();
            add(windows, Files.readString(data.resolve("text/wikitext2.test.txt")), WIKITEXT_TOKENS, tokenizer, most);
            for (String title : BOOKS) {
                add(windows, book(data.resolve("text/books.jsonl"), title), BOOK_TOKENS, tokenizer, most);
            }
            return new HeldOut("WikiText-2 test and two books (" + String.join(", ", BOOKS) + "), "
                    + windows.stream().mapToInt(window -> window.length).sum() + " tokens in windows of " + WINDOW, windows);
        } catch (IOException e) {
            throw new ElmsException("the held-out text is not in " + data + "; give --data a folder with text/wikitext2.test.txt and"
                    + " text/books.jsonl", e);
        }
    }

    private static String book(Path file, String title) throws IOException {
        ObjectMapper json = new ObjectMapper();
        try (Stream<String> lines = Files.lines(file)) {
            for (String line : (Iterable<String>) lines::iterator) {
                JsonNode row = json.readTree(line);
                if (row.path("title").asText().equals(title)) {
                    return row.path("text").asText();
                }
            }
        }
        throw new ElmsException(file + " holds no book named " + title);
    }

    private static void add(List<int[]> windows, String text, int tokens, Tokenizer tokenizer, long most) {
        int[] ids = tokenizer.encode(text).ids();
        for (int i = 0; i < most && (i + 1) * WINDOW <= Math.min(tokens, ids.length); i++) {
            windows.add(Arrays.copyOfRange(ids, i * WINDOW, (i + 1) * WINDOW));
        }
    }
}
