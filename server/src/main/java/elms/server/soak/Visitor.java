package elms.server.soak;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** A client of the server with an app of its own. It says what was wrong with an answer. */
final class Visitor {
    /** App of those who come with others. */
    static final String CROWD = "soak-crowd";
    private static final String CHATS = "/v1/chat/completions";
    private static final String EVENT = "data: ";
    private static final String END = "data: [DONE]";
    private static final int SLOW_MILLIS = 25;
    private static final int SOON_MILLIS = 60;
    private static final int FEW_PIECES = 20;
    private static final int HUGE_BYTES = 10 << 20;
    /** Shares of the full model's latencies, as the paper's apps ask for. */
    private static final double[][] SLOS = {{0.8, 0.9}, {0.6, 0.8}, {0.4, 0.7}, {0.2, 0.6}};
    private static final ObjectMapper JSON = new ObjectMapper();

    private final URI server;
    private final HttpClient http;
    private final List<KnownChat> chats;
    private final int context;
    private final Random random;
    private final String app;

    /**
     * @param http may be shared
     * @param context tokens that the model has room for
     * @param app its name, used by no other visitor
     */
    Visitor(URI server, HttpClient http, List<KnownChat> chats, int context, Random random, String app) {
        this.server = server;
        this.http = http;
        this.chats = chats;
        this.context = context;
        this.random = random;
        this.app = app;
    }

    /** What was heard of an answer. */
    private record Heard(String text, boolean complete, JsonNode elms) {}

    /** An answer that is not what it must be. */
    static final class Fault extends Exception {
        private final Outcome outcome;

        Fault(Outcome outcome, String sentence) {
            super(sentence);
            this.outcome = outcome;
        }

        Outcome outcome() {
            return outcome;
        }
    }

    /**
     * Comes, and goes.
     *
     * @throws Fault if something was wrong
     */
    Outcome visit(Visit visit) throws Fault, IOException, InterruptedException {
        KnownChat chat = chats.get(random.nextInt(chats.size()));
        return switch (visit) {
            case WHOLE -> whole(app, chat);
            case STREAM -> streamed(chat, pinned(chat), 0, Integer.MAX_VALUE);
            case SLOW -> streamed(chat, pinned(chat).put("logprobs", true).put("top_logprobs", 20), SLOW_MILLIS, Integer.MAX_VALUE);
            case LEAVE -> streamed(chat, pinned(chat), 0, 1 + random.nextInt(FEW_PIECES));
            case VANISH -> vanished(chat);
            case HURRY -> hurried(chat);
            case STRICT -> refused(429, "slo_infeasible", strict(chat));
            case CROWD -> whole(CROWD, chat);
            case BIND -> bound(chat);
            case LONG -> refused(400, "the context of", body(chat, "long ".repeat(context)));
            case HUGE -> cutOff(chat);
        };
    }

    /** Gives an app a profile, with a body of JSON. */
    void bind(String name, String profile) throws Fault, IOException, InterruptedException {
        HttpRequest put = request("/elms/v1/apps/" + name, name).PUT(BodyPublishers.ofString(profile)).build();
        require(http.send(put, BodyHandlers.ofString()), 200);
    }

    private Outcome whole(String name, KnownChat chat) throws Fault, IOException, InterruptedException {
        HttpResponse<String> reply = http.send(post(name, pinned(chat)), BodyHandlers.ofString());
        if (name.equals(CROWD) && reply.statusCode() == 429 && reply.body().contains("quota_exceeded")) {
            return Outcome.REFUSED;
        }
        require(reply, 200);
        return compared(chat, new Heard(JSON.readTree(reply.body()).at("/choices/0/message/content").asText(), true,
                MissingNode.getInstance()));
    }

    private Outcome streamed(KnownChat chat, ObjectNode body, int pause, int pieces) throws Fault, IOException, InterruptedException {
        return compared(chat, listen(body.put("stream", true), pause, pieces));
    }

    private Outcome vanished(KnownChat chat) throws InterruptedException {
        CompletableFuture<HttpResponse<String>> reply = http.sendAsync(post(app, pinned(chat)), BodyHandlers.ofString());
        Thread.sleep(random.nextInt(SOON_MILLIS));
        reply.cancel(true);
        return Outcome.GONE;
    }

    private Outcome hurried(KnownChat chat) throws Fault, IOException, InterruptedException {
        double[] slo = SLOS[random.nextInt(SLOS.length)];
        ObjectNode body = body(chat).put("stream", true);
        body.putObject("slo").put("ttft", slo[0]).put("tpot", slo[1]);
        Heard heard = listen(body, 0, Integer.MAX_VALUE);
        if (!heard.complete() || !heard.elms().has("slo_met")) {
            throw new Fault(Outcome.FAILED, "an answer within an SLO ended without saying whether it was kept");
        }
        return heard.elms().path("slo_met").asBoolean() ? Outcome.IN_TIME : Outcome.LATE;
    }

    private Outcome bound(KnownChat chat) throws Fault, IOException, InterruptedException {
        bind(app, JSON.createObjectNode().put("system", chat.messages().getFirst().content()).toString());
        Outcome outcome = whole(app, chat);
        HttpRequest delete = request("/elms/v1/apps/" + app, app).DELETE().build();
        require(http.send(delete, BodyHandlers.ofString()), 204);
        return outcome;
    }

    private Outcome refused(int status, String reason, ObjectNode body) throws Fault, IOException, InterruptedException {
        HttpResponse<String> reply = http.send(post(app, body), BodyHandlers.ofString());
        require(reply, status);
        if (!reply.body().contains(reason)) {
            throw new Fault(Outcome.FAILED, "a refusal does not say '" + reason + "': " + reply.body());
        }
        return Outcome.REFUSED;
    }

    /** The server does not read what is too large, so that a client which is still sending may miss why the connection ends. */
    private Outcome cutOff(KnownChat chat) throws Fault, InterruptedException {
        try {
            return refused(413, "", body(chat, "x".repeat(HUGE_BYTES)));
        } catch (IOException e) {
            return Outcome.REFUSED;
        }
    }

    private Heard listen(ObjectNode body, int pause, int pieces) throws Fault, IOException, InterruptedException {
        HttpResponse<InputStream> reply = http.send(post(app, body), BodyHandlers.ofInputStream());
        if (reply.statusCode() != 200) {
            throw new Fault(Outcome.FAILED, "a stream got status " + reply.statusCode() + ": "
                    + new String(reply.body().readAllBytes(), StandardCharsets.UTF_8));
        }
        StringBuilder text = new StringBuilder();
        JsonNode elms = MissingNode.getInstance();
        int heard = 0;
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(reply.body(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null && heard < pieces; line = lines.readLine()) {
                if (line.equals(END)) {
                    return new Heard(text.toString(), true, elms);
                }
                if (line.startsWith(EVENT)) {
                    JsonNode event = JSON.readTree(line.substring(EVENT.length()));
                    text.append(event.at("/choices/0/delta/content").asText());
                    elms = event.has("elms") ? event.path("elms") : elms;
                    heard++;
                    Thread.sleep(pause);
                }
            }
        }
        if (heard < pieces) {
            throw new Fault(Outcome.FAILED, "a stream ended in the middle, after " + heard + " events");
        }
        return new Heard(text.toString(), false, elms);
    }

    private static Outcome compared(KnownChat chat, Heard heard) throws Fault {
        String known = chat.answer();
        if (heard.complete() ? heard.text().equals(known) : known.startsWith(heard.text())) {
            return heard.complete() ? Outcome.RIGHT : Outcome.GONE;
        }
        throw new Fault(Outcome.WRONG, "at " + chat.pin() + " '" + heard.text() + "' was answered instead of '" + known + "'");
    }

    private ObjectNode pinned(KnownChat chat) {
        ObjectNode body = body(chat);
        body.putObject("elms").putObject("plan").put("prompt", chat.pin().prompt()).put("answer", chat.pin().answer());
        return body;
    }

    private static ObjectNode strict(KnownChat chat) {
        ObjectNode body = body(chat);
        body.putObject("slo").put("ttft_ms", 0.01).put("strict", true);
        return body;
    }

    private static ObjectNode body(KnownChat chat, String prompt) {
        ObjectNode body = JSON.createObjectNode().put("max_tokens", chat.tokens());
        body.putArray("messages").addObject().put("role", "user").put("content", prompt);
        return body;
    }

    private static ObjectNode body(KnownChat chat) {
        ObjectNode body = JSON.createObjectNode().put("max_tokens", chat.tokens());
        chat.messages().forEach(message -> body.withArray("messages").addObject().put("role", message.role())
                .put("content", message.content()));
        return body;
    }

    private HttpRequest post(String name, ObjectNode body) {
        return request(CHATS, name).header("Content-Type", "application/json").POST(BodyPublishers.ofString(body.toString())).build();
    }

    private HttpRequest.Builder request(String path, String name) {
        return HttpRequest.newBuilder(server.resolve(path)).header("x-elms-app", name);
    }

    private static void require(HttpResponse<String> reply, int status) throws Fault {
        if (reply.statusCode() != status) {
            throw new Fault(Outcome.FAILED, reply.request().method() + " " + reply.request().uri().getPath() + " got status "
                    + reply.statusCode() + " instead of " + status + ": " + reply.body());
        }
    }
}
