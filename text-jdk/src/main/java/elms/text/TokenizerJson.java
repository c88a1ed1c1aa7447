package elms.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import elms.engine.ElmsException;
import elms.engine.gguf.Metadata;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Set;

/**
 * The vocabulary and merges of a GGUF file in the Hugging Face tokenizers' own format.
 *
 * @param pre the pre-tokenizer, by llama.cpp's name for it
 */
record TokenizerJson(String[] tokens, String[] merges, String pre) {
    private static final int TYPICAL_BYTES = 1 << 22;
    /** How a comment among merges begins. */
    private static final String COMMENT = "#version";
    private static final String LLAMA_3_WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    static TokenizerJson of(Metadata metadata) {
        String model = metadata.required("tokenizer.ggml.model", metadata.string("tokenizer.ggml.model"));
        if (!model.equals("gpt2")) {
            throw new ElmsException("the model has a tokenizer of kind '" + model
                    + "', which is not supported yet; 'gpt2' (byte-level BPE) is");
        }
        return new TokenizerJson(
                metadata.required("tokenizer.ggml.tokens", metadata.strings("tokenizer.ggml.tokens")),
                metadata.required("tokenizer.ggml.merges", metadata.strings("tokenizer.ggml.merges")),
                metadata.string("tokenizer.ggml.pre").orElse("default"));
    }

    boolean addsBeginByDefault() {
        return isLlama3();
    }

    private boolean isLlama3() {
        return pre.equals("llama-bpe") || pre.equals("llama3") || pre.equals("llama-v3");
    }

    /**
     * The file's text, as UTF-8; tokens in {@code excluded} are left out of the vocabulary. Of tokens spelt alike the library takes
     * the last, which has to be the first of them. It reads merges faster as one string each than as pairs, which are the only form
     * that can tell a merge from a comment.
     */
    byte[] withoutTokens(Set<String> excluded) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(TYPICAL_BYTES);
        try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
            json.writeStartObject();
            json.writeStringField("version", "1.0");
            json.writeArrayFieldStart("added_tokens");
            json.writeEndArray();
            json.writeFieldName("pre_tokenizer");
            json.writeRawValue(preTokenizer());
            json.writeObjectFieldStart("model");
            json.writeStringField("type", "BPE");
            json.writeBooleanField("ignore_merges", isLlama3());
            json.writeObjectFieldStart("vocab");
            for (int id = tokens.length - 1; id >= 0; id--) {
                if (!excluded.contains(tokens[id])) {
                    json.writeNumberField(tokens[id], id);
                }
            }
            json.writeEndObject();
            json.writeArrayFieldStart("merges");
            boolean brief = Arrays.stream(merges).noneMatch(merge -> merge.startsWith(COMMENT));
            for (String merge : merges) {
                int space = space(merge);
                if (brief) {
                    json.writeString(merge);
                } else {
                    json.writeArray(new String[] {merge.substring(0, space), merge.substring(space + 1)}, 0, 2);
                }
            }
            json.writeEndArray();
            json.writeEndObject();
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory does not fail", e);
        }
        return bytes.toByteArray();
    }

    /** Where the one space of a merge stands: the alphabet of byte-level BPE has none. */
    private static int space(String merge) {
        int space = merge.indexOf(' ');
        if (space <= 0 || space == merge.length() - 1 || merge.indexOf(' ', space + 1) >= 0) {
            throw new ElmsException("the tokenizer has the merge '" + merge + "', which is no pair");
        }
        return space;
    }

    /** How text is cut into words before merging, in the library's own notation. */
    private String preTokenizer() {
        if (isLlama3()) {
            return sequence("{\"type\":\"Split\",\"behavior\":\"Isolated\",\"invert\":false,\"pattern\":{\"Regex\":\""
                    + LLAMA_3_WORDS.replace("\\", "\\\\") + "\"}}", byteLevel(false));
        }
        return switch (pre) {
            case "smollm" -> sequence("{\"type\":\"Digits\",\"individual_digits\":true}", byteLevel(true));
            case "gpt-2", "default" -> sequence(byteLevel(true));
            default -> throw new ElmsException("the tokenizer splits words by '" + pre
                    + "', which is not supported yet; smollm, llama-bpe and gpt-2 are");
        };
    }

    private static String sequence(String... steps) {
        return "{\"type\":\"Sequence\",\"pretokenizers\":[" + String.join(",", steps) + "]}";
    }

    private static String byteLevel(boolean splitsWords) {
        return "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":false,\"use_regex\":" + splitsWords + "}";
    }
}
