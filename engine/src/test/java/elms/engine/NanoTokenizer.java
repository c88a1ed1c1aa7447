package elms.engine;

import elms.engine.gguf.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The metadata of a byte-level tokenizer of 256 bytes, two control tokens and two merges, with a chat template. */
public final class NanoTokenizer {
    public static final int VOCABULARY = 260;
    public static final int BEGIN = 256;
    public static final int END = 257;
    public static final String TEMPLATE = "{% for m in messages %}{{ '<begin>' + m['role'] + ':' + m['content'] + '<end>' }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<begin>assistant:' }}{% endif %}";

    private NanoTokenizer() {}

    public static Map<String, Value> metadata() {
        List<String> tokens = new ArrayList<>();
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae;
            tokens.add(String.valueOf((char) (printable ? b : next++)));
        }
        tokens.addAll(List.of("<begin>", "<end>", "Ġt", "th"));
        long[] types = new long[VOCABULARY];
        Arrays.fill(types, 1);
        types[BEGIN] = 3;
        types[END] = 3;
        Map<String, Value> metadata = new LinkedHashMap<>();
        metadata.put("tokenizer.ggml.model", Value.of("gpt2"));
        metadata.put("tokenizer.ggml.pre", Value.of("gpt-2"));
        metadata.put("tokenizer.ggml.tokens", Value.of(tokens.toArray(String[]::new)));
        metadata.put("tokenizer.ggml.merges", Value.of(new String[] {"Ġ t", "t h"}));
        metadata.put("tokenizer.ggml.token_type", Value.int32(types));
        metadata.put("tokenizer.ggml.bos_token_id", Value.uint32(BEGIN));
        metadata.put("tokenizer.ggml.eos_token_id", Value.uint32(END));
        metadata.put("tokenizer.chat_template", Value.of(TEMPLATE));
        return metadata;
    }
}
