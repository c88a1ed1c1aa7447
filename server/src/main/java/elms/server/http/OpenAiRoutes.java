package elms.server.http;

import elms.engine.text.Message;
import elms.server.PlainText;
import elms.server.http.ModelHost.Lease;
import elms.service.Request;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** What OpenAI's clients call: {@code /v1/...}. */
final class OpenAiRoutes implements HttpService {
    private final Answers answers;
    private final Instant started = Instant.now();

    OpenAiRoutes(Answers answers) {
        this.answers = answers;
    }

    /** The models that can be asked for. */
    record ModelList(String object, List<Model> data) {}

    /** A model, or a profile of it. */
    record Model(String id, String object, long created, String ownedBy) {}

    @Override
    public void routing(HttpRules rules) {
        rules.get("/v1/models", this::models).get("/v1/models/{name}", this::model)
                .post("/v1/chat/completions", this::chat).post("/v1/completions", this::complete)
                .post("/v1/responses", this::respond).post("/v1/embeddings", OpenAiRoutes::embed);
    }

    private void chat(ServerRequest from, ServerResponse to) {
        Fields body = Fields.of(ClientConnection.of(from).body(from));
        AnswerShape shape = AnswerShape.read(body);
        Request request = RequestFields.scored(body, chatRequest(from, body, shape, answers.host().name()));
        answers.answer(from, to, request, shape, body.flag("stream", false),
                model -> new ChatForm(ReplyHead.of("chatcmpl", model, body), shape));
    }

    private void respond(ServerRequest from, ServerResponse to) {
        Fields body = Fields.of(ClientConnection.of(from).body(from));
        AnswerShape shape = ResponsesInput.shape(body);
        Request request = request(from, body, ResponsesInput.messages(body), answers.host().name(), "max_output_tokens");
        answers.answer(from, to, request, shape, body.flag("stream", false),
                model -> new ResponsesForm(ReplyHead.of("resp", model, body)));
    }

    private void complete(ServerRequest from, ServerResponse to) {
        Fields body = Fields.of(ClientConnection.of(from).body(from));
        if (body.has("logprobs")) {
            score(to, body);
            return;
        }
        String prompt = prompt(body);
        Request request = request(from, body, List.of(PlainText.of(prompt)), answers.host().name(), "max_tokens");
        answers.answer(from, to, request, AnswerShape.FREE, body.flag("stream", false),
                model -> new TextForm(ReplyHead.of("cmpl", model, body), body.flag("echo", false) ? prompt : ""));
    }

    private void score(ServerResponse to, Fields body) {
        ModelName.parse(body.text("model").orElse(answers.host().name()), answers.host().name());
        try (Lease lease = answers.host().lease()) {
            ScoredCompletions completions = ScoredCompletions.read(body, lease.model().service());
            to.header(HeaderValues.CONTENT_TYPE_JSON)
                    .send(Json.write(completions.run(ReplyHead.of("cmpl", lease.model(), body))));
        }
    }

    /** The one text to continue. */
    private static String prompt(Fields body) {
        List<String> prompts = body.texts("prompt", 1);
        if (prompts.isEmpty()) {
            throw ApiException.field("prompt", "prompt is missing");
        }
        return prompts.getFirst();
    }

    /** Reads the body of a chat. */
    static Request chatRequest(ServerRequest from, Fields body, AnswerShape shape, String served) {
        return request(from, body, shape.instruct(ChatMessages.read(body)), served, "max_completion_tokens", "max_tokens");
    }

    private static Request request(ServerRequest from, Fields body, List<Message> messages, String served, String... lengths) {
        ModelName name = ModelName.parse(body.text("model").orElse(served), served);
        return RequestFields.read(body, body, messages, SloFields.of(body, from.headers(), name.slo()),
                RequestFields.maxTokens(body, lengths));
    }

    private static void embed(ServerRequest from, ServerResponse to) {
        throw ApiException.of(Status.NOT_IMPLEMENTED_501, "not_implemented",
                "this server makes no embeddings: its model was made to continue text, and does that only");
    }

    private void models(ServerRequest from, ServerResponse to) {
        List<Model> models = new ArrayList<>();
        models.add(listed(answers.host().name()));
        for (ModelName.Profile profile : ModelName.Profile.values()) {
            models.add(listed(answers.host().name() + profile.suffix()));
        }
        to.header(HeaderValues.CONTENT_TYPE_JSON).send(Json.write(new ModelList("list", models)));
    }

    private void model(ServerRequest from, ServerResponse to) {
        String name = from.path().pathParameters().get("name");
        ModelName.parse(name, answers.host().name());
        to.header(HeaderValues.CONTENT_TYPE_JSON).send(Json.write(listed(name)));
    }

    private Model listed(String id) {
        return new Model(id, "model", started.getEpochSecond(), "elms");
    }
}
