package elms.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The service of another process on this device: {@code elms serve MODEL --socket PATH}. Binds and calls as
 * {@code elms.service.ElmsService} does. Thread-safe; every call has a connection of its own.
 */
public final class ElmsClient {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String APPS = "/elms/v1/apps/";

    private final Path socket;
    private final String key;

    private ElmsClient(Path socket, String key) {
        this.socket = socket;
        this.key = key;
    }

    /** A client of the server that listens at a UNIX socket. */
    public static ElmsClient at(Path socket) {
        return new ElmsClient(socket, "");
    }

    /** The same client with a key, for a server that asks for one. */
    public ElmsClient withKey(String newKey) {
        if (!newKey.matches("[!-~]+")) {
            throw new IllegalArgumentException("a key has printable ASCII characters, and no spaces");
        }
        return new ElmsClient(socket, newKey);
    }

    /**
     * Binds an app: its profile is the server's from now on, and its system prompt and tools are read while nothing else is to be
     * done.
     *
     * @throws IllegalArgumentException if the tools are no JSON
     * @throws ElmsClientException if the server refuses the profile or cannot be reached
     */
    public Binding bind(Profile profile) {
        ObjectNode body = JSON.createObjectNode().put("priority", profile.priority()).put("quota", profile.quota());
        putSlo(body, profile.ttft(), profile.tpot());
        if (!profile.system().isEmpty()) {
            body.put("system", profile.system());
        }
        profile.tools().ifPresent(tools -> putTools(body, tools));
        send("PUT", APPS + profile.name(), "", body);
        return new Binding(this, profile);
    }

    static void putSlo(ObjectNode body, Optional<String> ttft, Optional<String> tpot) {
        if (ttft.isPresent() || tpot.isPresent()) {
            ObjectNode slo = body.withObjectProperty("slo");
            ttft.ifPresent(bound -> slo.put("ttft", bound));
            tpot.ifPresent(bound -> slo.put("tpot", bound));
        }
    }

    static void putTools(ObjectNode body, String tools) {
        try {
            body.set("tools", JSON.readTree(tools));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("the tools are no JSON: " + e.getOriginalMessage(), e);
        }
    }

    void unbind(Profile profile) {
        send("DELETE", APPS + profile.name(), "", JSON.createObjectNode());
    }

    private void send(String method, String path, String headers, ObjectNode body) {
        try (UnixExchange exchange = open(method, path, headers, body)) {
            exchange.body();
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /** Sends a request; throws what the server refuses it with. */
    UnixExchange open(String method, String path, String headers, ObjectNode body) throws IOException {
        String authorization = key.isEmpty() ? "" : "Authorization: Bearer " + key + "\r\n";
        UnixExchange exchange = new UnixExchange(socket, method, path, headers + authorization, JSON.writeValueAsBytes(body));
        if (exchange.status() >= 300) {
            try (exchange) {
                throw refusal(exchange.status(), JSON.readTree(exchange.body()).path("error"));
            }
        }
        return exchange;
    }

    static ElmsClientException refusal(int status, JsonNode error) {
        return new ElmsClientException(status, error.path("code").asText(), error.path("message").asText(), null);
    }

    ElmsClientException unreachable(IOException e) {
        return new ElmsClientException(0, "unreachable", "the server at " + socket + " cannot be reached: " + e.getMessage(), e);
    }
}
