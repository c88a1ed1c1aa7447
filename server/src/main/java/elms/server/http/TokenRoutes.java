package elms.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import elms.engine.text.Tokenizer;
import elms.server.http.ModelHost.Lease;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.util.ArrayList;
import java.util.List;

/** Text to tokens and back, in llama-server's shape: {@code /tokenize}, {@code /detokenize}. */
final class TokenRoutes implements HttpService {
    private static final int MOST_TOKENS = 1 << 20;

    private final ModelHost host;

    TokenRoutes(ModelHost host) {
        this.host = host;
    }

    /** A reply of {@code /tokenize}. */
    record Tokens(int[] tokens) {}

    /** A reply of {@code /detokenize}. */
    record Content(String content) {}

    @Override
    public void routing(HttpRules rules) {
        rules.post("/tokenize", this::tokenize).post("/detokenize", this::detokenize);
    }

    private void tokenize(ServerRequest from, ServerResponse to) {
        String text = Fields.of(ClientConnection.of(from).body(from)).requiredText("content");
        try (Lease lease = host.lease()) {
            to.header(HeaderValues.CONTENT_TYPE_JSON).send(Json.write(new Tokens(tokenizer(lease).encode(text).ids())));
        }
    }

    private void detokenize(ServerRequest from, ServerResponse to) {
        Fields body = Fields.of(ClientConnection.of(from).body(from));
        try (Lease lease = host.lease()) {
            int[] tokens = tokens(body.array("tokens", MOST_TOKENS), "tokens", tokenizer(lease));
            to.header(HeaderValues.CONTENT_TYPE_JSON).send(Json.write(new Content(SpanTexts.text(tokens, tokenizer(lease)))));
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
