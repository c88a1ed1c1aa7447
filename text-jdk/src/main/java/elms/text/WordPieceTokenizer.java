package elms.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import elms.engine.text.Encoding;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The tokenizer of uncased BERT models (Devlin et al., arXiv 1810.04805), for a vocabulary that has {@code [UNK]}. */
public final class WordPieceTokenizer implements AutoCloseable {
    private final LibraryTokenizer library;

    /**
     * @param vocabulary pieces by their numbers; those inside a word begin with {@code ##}
     */
    public WordPieceTokenizer(String[] vocabulary) {
        library = new LibraryTokenizer(json(vocabulary));
    }

    /** Pieces of a text, without any that mark its ends. */
    public Encoding encode(String text) {
        return library.encode(text, 0);
    }

    @Override
    public void close() {
        library.close();
    }

    private static byte[] json(String[] vocabulary) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
            json.writeStartObject();
            json.writeStringField("version", "1.0");
            json.writeArrayFieldStart("added_tokens");
            json.writeEndArray();
            json.writeFieldName("normalizer");
            json.writeRawValue("{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_accents\":null,"
                    + "\"lowercase\":true}");
            json.writeFieldName("pre_tokenizer");
            json.writeRawValue("{\"type\":\"BertPreTokenizer\"}");
            json.writeObjectFieldStart("model");
            json.writeStringField("type", "WordPiece");
            json.writeStringField("unk_token", "[UNK]");
            json.writeStringField("continuing_subword_prefix", "##");
            json.writeNumberField("max_input_chars_per_word", 100);
            json.writeObjectFieldStart("vocab");
            for (int id = 0; id < vocabulary.length; id++) {
                json.writeNumberField(vocabulary[id], id);
            }
            json.writeEndObject();
            json.writeEndObject();
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory does not fail", e);
        }
        return bytes.toByteArray();
    }
}
