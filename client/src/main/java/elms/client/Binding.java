package elms.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;

/** An app's connection to the service. Thread-safe: calls may run at the same time. */
public final class Binding implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String DATA = "data: ";
    private static final String DONE = "[DONE]";

    private final ElmsClient client;
    private final Profile profile;

    Binding(ElmsClient client, Profile profile) {
        this.client = client;
        this.profile = profile;
    }

    public Profile profile() {
        return profile;
    }

    /**
     * Answers a request and returns when the answer is complete or given up. The clock of its SLO starts when the server has it.
     *
     * @throws IllegalArgumentException if its tools are no JSON
     * @throws ElmsClientException if the server refuses it, fails, or cannot be reached
     */
    public Response call(Request request, Listener listener) {
        try (UnixExchange exchange = client.open("POST", "/v1/chat/completions", "x-elms-app: " + profile.name() + "\r\n",
                body(request))) {
            return follow(exchange, listener);
        } catch (IOException e) {
            throw client.unreachable(e);
        }
    }

    private static Response follow(UnixExchange exchange, Listener listener) throws IOException {
        StringBuilder text = new StringBuilder();
        String finishReason = "cancelled";
        JsonNode calls = MissingNode.getInstance();
        JsonNode usage = MissingNode.getInstance();
        JsonNode elms = MissingNode.getInstance();
        while (!listener.cancelled()) {
            String line = exchange.bodyLine();
            if (line == null) {
                throw new IOException("the answer broke off");
            }
            if (line.equals(DATA + DONE)) {
                return Response.of(text.toString(), finishReason, calls, usage, elms);
            }
            if (!line.startsWith(DATA)) {
                continue;
            }
            JsonNode event = JSON.readTree(line.substring(DATA.length()));
            if (event.has("error")) {
                throw ElmsClient.refusal(exchange.status(), event.path("error"));
            }
            String piece = event.at("/choices/0/delta/content").asText("");
            if (!piece.isEmpty()) {
                text.append(piece);
                listener.text(piece);
            }
            finishReason = event.at("/choices/0/finish_reason").asText(finishReason);
            calls = event.at("/choices/0/delta").has("tool_calls") ? event.at("/choices/0/delta/tool_calls") : calls;
            usage = event.has("usage") ? event.path("usage") : usage;
            elms = event.has("elms") ? event.path("elms") : elms;
        }
        return Response.of(text.toString(), "cancelled", calls, usage, elms);
    }

    private ObjectNode body(Request request) {
        ObjectNode body = JSON.createObjectNode().put("stream", true).put("max_tokens", request.maxTokens());
        body.putObject("stream_options").put("include_usage", true);
        ElmsClient.putSlo(body, request.ttft(), request.tpot());
        if (request.strict()) {
            body.withObjectProperty("slo").put("strict", true);
        }
        request.tools().ifPresent(tools -> {
            ElmsClient.putTools(body, tools.json());
            body.put("tool_choice", tools.required() ? "required" : "auto");
        });
        for (Request.Message message : request.messages()) {
            ObjectNode turn = body.withArrayProperty("messages").addObject().put("role", message.role());
            turn.putArray("content").addObject().put("type", "text").put("text", message.content()).put("elms_protected",
                    message.kept());
        }
        return body;
    }

    /** Unbinds the app: its profile is forgotten, its part of the cache given back. */
    @Override
    public void close() {
        client.unbind(profile);
    }
}
