package elms.server.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import elms.engine.text.Tokenizer;
import elms.service.TokenScore;
import java.util.List;
import java.util.stream.IntStream;

/** How likely the tokens of a chat's answer were, in OpenAI's shape. */
record ChatLogprobs(List<Token> content, String refusal) {
    /**
     * A token.
     *
     * @param token its text; a part of a character is replaced
     * @param bytes the same, in UTF-8
     */
    record Token(String token, double logprob, int[] bytes, @JsonInclude(Include.NON_NULL) List<Token> topLogprobs) {
        static Token of(int token, double logprob, List<Token> others, Tokenizer tokenizer) {
            byte[] bytes = tokenizer.bytes(token);
            return new Token(SpanTexts.text(new int[] {token}, tokenizer), logprob,
                    IntStream.range(0, bytes.length).map(i -> bytes[i] & 0xff).toArray(), others);
        }
    }

    /** Null, as OpenAI has it, where there are none. */
    static ChatLogprobs of(List<TokenScore> scores, Tokenizer tokenizer) {
        return scores.isEmpty() ? null : new ChatLogprobs(scores.stream().map(score -> told(score, tokenizer)).toList(), null);
    }

    private static Token told(TokenScore score, Tokenizer tokenizer) {
        List<Token> others = score.likeliest().stream()
                .map(other -> Token.of(other.token(), other.logProbability(), null, tokenizer)).toList();
        return Token.of(score.token(), score.logProbability().orElseThrow(), others, tokenizer);
    }
}
