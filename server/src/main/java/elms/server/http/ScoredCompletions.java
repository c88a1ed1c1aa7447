package elms.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import elms.engine.text.Tokenizer;
import elms.service.ElmsService;
import elms.service.TokenScore;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * {@code /v1/completions} with {@code logprobs}: how likely the full model finds the tokens of a prompt and of its likeliest
 * continuation. For measuring models, as lm-evaluation-harness does; without an SLO.
 *
 * @param echo whether the prompt's tokens are told too
 */
record ScoredCompletions(ElmsService service, List<int[]> prompts, int more, int alternatives, boolean echo) {
    private static final int MOST_PROMPTS = 256;
    /** What would change the answer, or has no place in it. */
    private static final List<String> WITHOUT = List.of("stream", "stop", "slo", "presence_penalty", "frequency_penalty",
            "logit_bias");
    /** Values of a field that ask for nothing. */
    private static final Set<String> NOTHING = Set.of("", "false", "0", "0.0");
    private static final int USUAL_MORE = 16;

    /** A reply. */
    record Completion(String id, String object, long created, String model, List<Choice> choices, Counts usage) {}

    record Choice(String text, int index, Logprobs logprobs, String finishReason) {}

    record Logprobs(List<String> tokens, List<OptionalDouble> tokenLogprobs, List<Map<String, Double>> topLogprobs,
            List<Integer> textOffset) {}

    record Counts(int promptTokens, int completionTokens, int totalTokens) {}

    static ScoredCompletions read(Fields body, ElmsService service) {
        for (String name : WITHOUT) {
            if (!NOTHING.contains(body.node(name).asText("")) || !body.node(name).isEmpty()) {
                throw ApiException.unsupported(name, name + " and logprobs do not go together");
            }
        }
        if (body.number("temperature", 0, 100).orElse(0) != 0) {
            throw ApiException.unsupported("temperature", "with logprobs the temperature must be 0");
        }
        return new ScoredCompletions(service, prompts(body, service.model().tokenizer()),
                body.integer("max_tokens", 0, service.model().config().context()).orElse(USUAL_MORE),
                body.integer("logprobs", 0, RequestFields.MOST_ALTERNATIVES).orElseThrow(), body.flag("echo", false));
    }

    /** A string, an array of strings, an array of tokens, or an array of those. */
    private static List<int[]> prompts(Fields body, Tokenizer tokenizer) {
        JsonNode prompt = body.node("prompt");
        if (prompt.isTextual()) {
            return List.of(tokenizer.encode(prompt.textValue()).ids());
        }
        List<int[]> prompts = new ArrayList<>();
        boolean tokens = prompt.size() > 0 && prompt.get(0).isNumber();
        for (JsonNode element : tokens ? List.of(prompt) : body.array("prompt", MOST_PROMPTS)) {
            prompts.add(element.isTextual() ? tokenizer.encode(element.textValue()).ids()
                    : TokenRoutes.tokens(element, "prompt", tokenizer));
        }
        return prompts;
    }

    /** Scores all prompts, one after the other. */
    Completion run(ReplyHead head) {
        List<Choice> choices = new ArrayList<>();
        int read = 0;
        int made = 0;
        for (int[] prompt : prompts) {
            List<TokenScore> scores = service.score(prompt, more, alternatives);
            read += prompt.length;
            made += scores.size() - prompt.length;
            choices.add(choice(choices.size(), prompt.length, scores));
        }
        return new Completion(head.id(), "text_completion", head.created(), head.model(), choices, new Counts(read, made, read
                + made));
    }

    private Choice choice(int index, int promptTokens, List<TokenScore> all) {
        List<TokenScore> told = echo ? all : all.subList(promptTokens, all.size());
        Tokenizer tokenizer = service.model().tokenizer();
        List<String> tokens = told.stream().map(score -> text(score.token())).toList();
        List<Integer> offsets = new ArrayList<>();
        int offset = 0;
        for (String token : tokens) {
            offsets.add(offset);
            offset += token.length();
        }
        boolean ended = all.size() > promptTokens && tokenizer.endsAnswer(all.getLast().token());
        return new Choice(SpanTexts.text(told.stream().mapToInt(TokenScore::token).toArray(), tokenizer), index,
                new Logprobs(tokens, told.stream().map(TokenScore::logProbability).toList(),
                new ArrayList<>(told.stream().map(this::likeliest).toList()), offsets),
                ended ? "stop" : "length");
    }

    /** Likeliest tokens by text; of those that look the same, the likeliest. None for the first token of a text. */
    private Map<String, Double> likeliest(TokenScore score) {
        if (score.logProbability().isEmpty()) {
            return null;
        }
        Map<String, Double> likeliest = new LinkedHashMap<>();
        score.likeliest().forEach(alternative -> likeliest.putIfAbsent(text(alternative.token()), alternative.logProbability()));
        return likeliest;
    }

    private String text(int token) {
        return SpanTexts.text(new int[] {token}, service.model().tokenizer());
    }
}
