package elms.elastic;

import elms.engine.ElmsException;
import elms.engine.text.ChatTemplate;
import elms.engine.text.Encoding;
import elms.engine.text.Message;
import elms.engine.text.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Token sequences of one length to measure a model on, those for choosing kept apart from those for statistics.
 *
 * @param statistics what activations are collected on
 * @param selection what anchors are chosen on: whole documents that the statistics have not seen
 */
public record Calibration(List<int[]> statistics, List<int[]> selection) {
    private static final int LENGTH = 256;
    private static final int MOST_STATISTICS = 60;
    private static final int MOST_SELECTION = 6;
    private static final String DOCUMENT_END = "\n\n\n";

    /** Passages of public-domain books that come with Elms, as documents. */
    public static List<String> shipped() {
        try (InputStream in = Calibration.class.getResourceAsStream("calibration.txt")) {
            return documents(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new ElmsException("the calibration text that comes with Elms cannot be read: " + e.getMessage(), e);
        }
    }

    /** Documents of UTF-8 text files; three line ends in a row part documents. */
    public static List<String> read(List<Path> files) {
        List<String> documents = new ArrayList<>();
        for (Path file : files) {
            try {
                documents.addAll(documents(Files.readString(file)));
            } catch (CharacterCodingException e) {
                throw new ElmsException("the calibration text " + file + " is not UTF-8", e);
            } catch (IOException e) {
                throw new ElmsException("the calibration text " + file + " cannot be read: " + e.getMessage(), e);
            }
        }
        return documents;
    }

    /**
     * Cuts documents into sequences. Every third sequence is laid out as a chat, so that the model's control tokens take part.
     * The last sixth of the documents is for selection.
     */
    public static Calibration of(List<String> documents, Tokenizer tokenizer, ChatTemplate template) {
        int forSelection = Math.max(1, documents.size() / 6);
        int cut = documents.size() - forSelection;
        Calibration calibration = new Calibration(
                sequences(documents.subList(0, cut), MOST_STATISTICS, tokenizer, template),
                sequences(documents.subList(cut, documents.size()), MOST_SELECTION, tokenizer, template));
        if (calibration.statistics.isEmpty() || calibration.selection.isEmpty()) {
            throw new ElmsException("the calibration text is too short; give at least two documents of " + LENGTH
                    + " tokens, parted by two empty lines");
        }
        return calibration;
    }

    private static List<int[]> sequences(List<String> documents, int most, Tokenizer tokenizer, ChatTemplate template) {
        List<int[]> sequences = new ArrayList<>();
        int perDocument = Math.max(1, most / Math.max(1, documents.size()));
        for (String document : documents) {
            Encoding encoding = tokenizer.encode(document);
            for (int from = 0; from < perDocument * LENGTH && from + LENGTH <= encoding.length() && sequences.size() < most;
                    from += LENGTH) {
                sequences.add(sequences.size() % 3 == 2
                        ? asChat(document.substring(encoding.starts()[from]), tokenizer, template)
                        : Arrays.copyOfRange(encoding.ids(), from, from + LENGTH));
            }
        }
        return sequences;
    }

    /** The beginning of a text as a question and an answer. */
    private static int[] asChat(String text, Tokenizer tokenizer, ChatTemplate template) {
        int cut = Math.min(text.length(), 2 * LENGTH);
        int end = Math.min(text.length(), 8 * LENGTH);
        int[] ids = tokenizer.encode(template.render(List.of(
                Message.user("Continue this text:\n\n" + text.substring(0, cut)),
                Message.assistant(text.substring(cut, end))))).ids();
        return Arrays.copyOf(ids, Math.min(ids.length, LENGTH));
    }

    private static List<String> documents(String text) {
        return Arrays.stream(text.replace("\r\n", "\n").split(DOCUMENT_END)).map(String::strip).filter(part -> !part.isEmpty())
                .toList();
    }
}
