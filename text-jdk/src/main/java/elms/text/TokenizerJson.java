package elms.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.ElmsException;
import elms.engine.gguf.Metadata;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The vocabulary and merges of a GGUF file in the Hugging Face tokenizers' own format.
 *
 * @param pre the pre-tokenizer, by llama.cpp's name for it
 */
record TokenizerJson(String[] tokens, String[] merges, String pre) {
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

    /** The file's text, as UTF-8; tokens in {@code excluded} are left out of the vocabulary. */
    byte[] withoutTokens(Set<String> excluded) {
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        for (int id = 0; id < tokens.length; id++) {
            if (!excluded.contains(tokens[id])) {
                vocabulary.putIfAbsent(tokens[id], id);
            }
        }
        Map<String, Object> bpe = new LinkedHashMap<>();
        bpe.put("type", "BPE");
        bpe.put("ignore_merges", isLlama3());
        bpe.put("vocab", vocabulary);
        bpe.put("merges", pairs(vocabulary));
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("version", "1.0");
        json.put("added_tokens", List.of());
        json.put("pre_tokenizer", Map.of("type", "Sequence", "pretokenizers", preTokenizers()));
        json.put("model", bpe);
        try {
            return new ObjectMapper().writeValueAsBytes(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("plain maps can be written as JSON", e);
        }
    }

    private List<String[]> pairs(Map<String, Integer> vocabulary) {
        List<String[]> pairs = new ArrayList<>();
        for (String merge : merges) {
            int space = merge.indexOf(' ', 1);
            if (space < 0 || space == merge.length() - 1) {
                throw new ElmsException("the tokenizer has the merge '" + merge + "', which is no pair");
            }
            String left = merge.substring(0, space);
            String right = merge.substring(space + 1);
            if (!vocabulary.containsKey(left) || !vocabulary.containsKey(right) || !vocabulary.containsKey(left + right)) {
                throw new ElmsException("the tokenizer merges '" + merge + "', which is not in its vocabulary");
            }
            pairs.add(new String[] {left, right});
        }
        return pairs;
    }

    private List<Map<String, Object>> preTokenizers() {
        if (isLlama3()) {
            return List.of(
                    Map.of("type", "Split", "pattern", Map.of("Regex", LLAMA_3_WORDS), "behavior", "Isolated", "invert", false),
                    byteLevel(false));
        }
        return switch (pre) {
            case "smollm" -> List.of(Map.of("type", "Digits", "individual_digits", true), byteLevel(true));
            case "gpt-2", "default" -> List.of(byteLevel(true));
            default -> throw new ElmsException("the tokenizer splits words by '" + pre
                    + "', which is not supported yet; smollm, llama-bpe and gpt-2 are");
        };
    }

    private static Map<String, Object> byteLevel(boolean splitWords) {
        return Map.of("type", "ByteLevel", "add_prefix_space", false, "trim_offsets", false, "use_regex", splitWords);
    }
}
