package elms.elastic;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.ElmsException;
import elms.engine.text.ChatTemplate;
import elms.engine.text.Message;
import elms.engine.text.RenderedChat;
import elms.engine.text.RenderedChat.Control;
import elms.engine.text.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads texts to calibrate and train on, file by file. A plain text holds documents parted by two empty lines. A file of JSON lines
 * holds a document a row: {@code text}; or {@code instruction}, {@code input} and {@code output}, laid out as a chat; or
 * {@code question}, {@code choices} and {@code answer}, the number of the right one.
 */
public final class Corpus {
    private static final String DOCUMENT_END = "\n\n\n";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Every so many documents of plain text, one is laid out as a chat, so that the model's control tokens take part. */
    private static final int CHAT_EVERY = 3;
    /** Characters of such a document that the user says, and the assistant. */
    private static final int CHAT_TURN = 600;

    private final Tokenizer tokenizer;
    private final ChatTemplate template;

    public Corpus(Tokenizer tokenizer, ChatTemplate template) {
        this.tokenizer = tokenizer;
        this.template = template;
    }

    /** Passages of public-domain books that come with Elms, each as tokens. */
    public List<int[]> shipped() {
        try (InputStream in = Corpus.class.getResourceAsStream("calibration.txt")) {
            return documents(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new ElmsException("the calibration text that comes with Elms cannot be read: " + e.getMessage(), e);
        }
    }

    /** The documents of a file, each as tokens. */
    public List<int[]> read(Path file) {
        try {
            String text = Files.readString(file);
            return file.toString().endsWith(".jsonl") ? rows(file, text) : documents(text);
        } catch (CharacterCodingException e) {
            throw new ElmsException("the calibration text " + file + " is not UTF-8", e);
        } catch (IOException e) {
            throw new ElmsException("the calibration text " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private List<int[]> documents(String text) {
        List<int[]> documents = new ArrayList<>();
        for (String part : text.replace("\r\n", "\n").split(DOCUMENT_END)) {
            String document = part.strip();
            if (document.length() > 2 * CHAT_TURN && documents.size() % CHAT_EVERY == CHAT_EVERY - 1) {
                documents.add(chat("Continue this text:\n\n" + document.substring(0, CHAT_TURN), document.substring(CHAT_TURN)));
            } else if (!document.isEmpty()) {
                documents.add(tokenizer.encode(document).ids());
            }
        }
        return documents;
    }

    private List<int[]> rows(Path file, String text) {
        List<int[]> documents = new ArrayList<>();
        int line = 0;
        for (String row : text.lines().toList()) {
            line++;
            try {
                documents.add(document(JSON.readTree(row)));
            } catch (JsonProcessingException | IllegalArgumentException e) {
                throw new ElmsException(file + ", line " + line + ", is no JSON row with a text, or an instruction and an output, or a"
                        + " question, choices and the number of the right one", e);
            }
        }
        return documents;
    }

    private int[] document(JsonNode row) {
        if (row.hasNonNull("text")) {
            return tokenizer.encode(row.get("text").asText()).ids();
        }
        if (row.hasNonNull("instruction") && row.hasNonNull("output")) {
            String input = row.path("input").asText("");
            return chat(row.get("instruction").asText() + (input.isEmpty() ? "" : "\n" + input), row.get("output").asText());
        }
        JsonNode right = row.path("choices").path(row.path("answer").asInt(-1));
        if (!row.hasNonNull("question") || right.isMissingNode()) {
            throw new IllegalArgumentException();
        }
        return tokenizer.encode("Question: " + row.get("question").asText() + "\nAnswer: " + right.asText()).ids();
    }

    /** A turn and its answer, up to what ends it: behind that a template begins another answer, which a text does not have. */
    private int[] chat(String question, String answer) {
        Message asked = Message.user(question);
        int from = template.render(List.of(asked)).text().length();
        RenderedChat chat = template.render(List.of(asked, Message.assistant(answer)));
        int end = chat.controls().stream().filter(control -> control.start() >= from && tokenizer.endsAnswer(control.token()))
                .mapToInt(Control::end).findFirst().orElse(chat.text().length());
        List<Control> controls = chat.controls().stream().filter(control -> control.end() <= end).toList();
        return tokenizer.encode(new RenderedChat(chat.text().substring(0, end), controls)).ids();
    }
}
