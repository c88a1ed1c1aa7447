package elms.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import elms.engine.text.Encoding;
import elms.engine.text.RenderedChat;
import elms.engine.text.RenderedChat.Control;
import elms.engine.text.Tokenizer;
import elms.server.http.ModelHost.Lease;
import elms.text.ControlTokens;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Text to tokens and back: {@code /tokenize}, {@code /detokenize} and {@code /tokenizer_info}, in llama-server's shape and in
 * vLLM's, which lm-evaluation-harness counts tokens by.
 */
final class TokenRoutes implements HttpService {
    private static final int MOST_TOKENS = 1 << 20;

    private final ModelHost host;

    TokenRoutes(ModelHost host) {
        this.host = host;
    }

    /** A reply of {@code /tokenize}; llama-server sends the tokens alone. */
    record Tokens(int[] tokens, int count, int maxModelLen) {}

    /**
     * A reply of {@code /detokenize}.
     *
     * @param content the text, as llama-server calls it
     * @param prompt the same, as vLLM calls it
     */
    record Content(String content, String prompt) {}

    /** A reply of {@code /tokenizer_info}. */
    record Info(Optional<String> bosToken, Optional<String> eosToken) {}

    @Override
    public void routing(HttpRules rules) {
        rules.post("/tokenize", this::tokenize).post("/detokenize", this::detokenize).get("/tokenizer_info", this::info);
    }

    private void tokenize(ServerRequest from, ServerResponse to) {
        Fields body = Fields.of(ClientConnection.of(from).body(from));
        try (Lease lease = host.lease()) {
            int[] tokens = body.has("prompt") ? withControlTokens(body, tokenizer(lease))
                    : tokenizer(lease).encode(body.requiredText("content")).ids();
            int context = lease.model().service().model().config().context();
            to.header(HeaderValues.CONTENT_TYPE_JSON).send(Json.write(new Tokens(tokens, tokens.length, context)));
        }
    }

    /** As vLLM does: what is spelt like a control token is one. Only here, where nothing is computed from it. */
    private static int[] withControlTokens(Fields body, Tokenizer tokenizer) {
        RenderedChat text = new ControlTokens(tokenizer.controlTokens()).find(body.requiredText("prompt"));
        if (body.flag("add_special_tokens", true)) {
            return tokenizer.encode(text).ids();
        }
        Encoding encoding = Encoding.EMPTY;
        int done = 0;
        for (Control control : text.controls()) {
            encoding = encoding.plus(tokenizer.encode(text.text().substring(done, control.start())))
                    .plus(new Encoding(new int[] {control.token()}, new int[1], new int[1]));
            done = control.end();
        }
        return encoding.plus(tokenizer.encode(text.text().substring(done))).ids();
    }

    private void detokenize(ServerRequest from, ServerResponse to) {
        Fields body = Fields.of(ClientConnection.of(from).body(from));
        try (Lease lease = host.lease()) {
            int[] tokens = tokens(body.array("tokens", MOST_TOKENS), "tokens", tokenizer(lease));
            String text = SpanTexts.text(tokens, tokenizer(lease));
            to.header(HeaderValues.CONTENT_TYPE_JSON).send(Json.write(new Content(text, text)));
        }
    }

    private void info(ServerRequest from, ServerResponse to) {
        try (Lease lease = host.lease()) {
            ModelFacts facts = lease.model().facts();
            to.header(HeaderValues.CONTENT_TYPE_JSON).send(Json.write(new Info(facts.beginToken(), facts.endToken())));
        }
    }

    /** Tokens of the vocabulary, as they stand in an array. */
    static int[] tokens(Iterable<JsonNode> array, String name, Tokenizer tokenizer) {
        List<Integer> tokens = new ArrayList<>();
        for (JsonNode token : array) {
            if (!token.isInt() || token.intValue() < 0 || token.intValue() >= tokenizer.vocabulary()) {
                throw ApiException.field(name, name + " must hold tokens between 0 and " + (tokenizer.vocabulary() - 1));
            }
            tokens.add(token.intValue());
        }
        return tokens.stream().mapToInt(Integer::intValue).toArray();
    }

    private static Tokenizer tokenizer(Lease lease) {
        return lease.model().service().model().tokenizer();
    }
}
