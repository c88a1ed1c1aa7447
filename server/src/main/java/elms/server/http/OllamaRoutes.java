package elms.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import elms.engine.ElasticModel;
import elms.engine.text.Message;
import elms.server.PlainText;
import elms.server.http.ModelHost.Lease;
import elms.service.Request;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What Ollama's clients call: {@code /api/...}. */
final class OllamaRoutes implements HttpService {
    static final String PATH = "/api/";
    /** The version of Ollama's API that is followed, which clients compare. */
    private static final String VERSION = "0.12.0";

    private final Answers answers;

    OllamaRoutes(Answers answers) {
        this.answers = answers;
    }

    @Override
    public void routing(HttpRules rules) {
        rules.get("/api/version", (request, response) -> send(response, Map.of("version", VERSION)))
                .get("/api/tags", this::tags).get("/api/ps", this::running).post("/api/show", this::show)
                .post("/api/chat", this::chat).post("/api/generate", this::generate);
    }

    private void chat(ServerRequest from, ServerResponse to) {
        Fields body = Fields.of(ClientConnection.of(from).body(from));
        answer(from, to, body, ChatMessages.read(body, "messages"), true);
    }

    private void generate(ServerRequest from, ServerResponse to) {
        Fields body = Fields.of(ClientConnection.of(from).body(from));
        for (String name : List.of("suffix", "template", "context", "images")) {
            if (!body.node(name).isMissingNode() && !body.node(name).isEmpty() && !body.text(name).orElse("x").isEmpty()) {
                throw ApiException.unsupported(name, name + " is not supported");
            }
        }
        String prompt = body.text("prompt").orElse("");
        List<Message> messages = new ArrayList<>();
        if (!prompt.isEmpty() && body.flag("raw", false)) {
            messages.add(PlainText.of(prompt));
        } else if (!prompt.isEmpty()) {
            body.text("system").filter(system -> !system.isEmpty()).map(Message::system).ifPresent(messages::add);
            messages.add(Message.user(prompt));
        }
        answer(from, to, body, messages, false);
    }

    private void answer(ServerRequest from, ServerResponse to, Fields body, List<Message> messages, boolean chat) {
        long start = System.nanoTime();
        ModelName name = ModelName.parse(body.requiredText("model"), answers.host().name());
        KeepAlive.read(body).ifPresent(keepAlive -> answers.host().keepAlive(keepAlive.time()));
        if (messages.isEmpty()) {
            load(to, chat, KeepAlive.read(body).map(KeepAlive::unloads).orElse(false));
            return;
        }
        AnswerShape shape = shape(body);
        Fields options = body.object("options").orElse(Fields.NONE);
        Request request = RequestFields.read(body, options, shape.instruct(messages), SloFields.of(body, from.headers(),
                name.slo()), predicted(options));
        answers.answer(from, to, request, shape, body.flag("stream", true),
                model -> new OllamaForm(ReplyHead.of("ollama", model, body), shape, chat, start));
    }

    /** {@code format} is "json" or a schema. */
    private static AnswerShape shape(Fields body) {
        JsonNode format = body.node("format");
        if (format.isMissingNode() || format.isTextual() && format.textValue().isEmpty()) {
            return AnswerShape.read(body);
        }
        if (format.isTextual() && !format.textValue().equals("json")) {
            throw ApiException.field("format", "format must be \"json\" or a JSON schema");
        }
        return AnswerShape.ofSchema(format.isTextual() ? null : format, "format");
    }

    /** A negative number asks for as many as there is room for. */
    private static Optional<Integer> predicted(Fields options) {
        if (options.integer("num_predict", Integer.MIN_VALUE, Integer.MAX_VALUE).orElse(1) < 0) {
            return Optional.of(Integer.MAX_VALUE);
        }
        return RequestFields.maxTokens(options, "num_predict");
    }

    /** Takes the model into memory, or has it leave: closing the lease starts the time that it is kept. */
    private void load(ServerResponse to, boolean chat, boolean unload) {
        try (Lease lease = answers.host().lease()) {
            send(to, OllamaForm.nothing(lease.model().service().model().name(), chat, unload ? "unload" : "load"));
        }
    }

    private void tags(ServerRequest from, ServerResponse to) {
        send(to, Map.of("models", answers.host().facts().stream().map(facts -> OllamaModel.of(answers.host().name(), facts))
                .toList()));
    }

    private void running(ServerRequest from, ServerResponse to) {
        send(to, Map.of("models", answers.host().loaded().stream()
                .map(model -> OllamaModel.Running.of(answers.host().name(), model, answers.host().expiry())).toList()));
    }

    private void show(ServerRequest from, ServerResponse to) {
        Fields body = Fields.of(ClientConnection.of(from).body(from));
        ModelName.parse(body.text("model").or(() -> body.text("name")).orElse(""), answers.host().name());
        try (Lease lease = answers.host().lease()) {
            ElasticModel model = lease.model().service().model();
            send(to, OllamaModel.Shown.of(lease.model().facts(), model));
        }
    }

    private static void send(ServerResponse to, Object document) {
        to.header(HeaderValues.CONTENT_TYPE_JSON).send(Json.write(document));
    }
}
