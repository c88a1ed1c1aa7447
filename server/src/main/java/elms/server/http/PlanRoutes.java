package elms.server.http;

import elms.engine.ElasticModel;
import elms.planner.Latency;
import elms.planner.Plan;
import elms.server.ElmsReport;
import elms.server.ElmsReport.Times;
import elms.server.http.Guard.Caller;
import elms.server.http.ModelHost.Lease;
import elms.service.Binding;
import elms.service.Pin;
import elms.service.Request;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.util.List;
import java.util.Optional;

/** What a chat would get, without running it: {@code POST /elms/v1/plan}. */
final class PlanRoutes implements HttpService {
    private final Answers answers;

    PlanRoutes(Answers answers) {
        this.answers = answers;
    }

    /** The plan, and what each level would cost. */
    record Preview(String model, ElmsReport elms, List<Point> curve) {}

    /**
     * A level for everything.
     *
     * @param level share of the decoder: its quality
     */
    record Point(double level, Times predicted) {}

    @Override
    public void routing(HttpRules rules) {
        rules.post("/elms/v1/plan", this::plan);
    }

    private void plan(ServerRequest from, ServerResponse to) {
        Fields body = Fields.of(ClientConnection.of(from).body(from));
        Request request = OpenAiRoutes.chatRequest(from, body, AnswerShape.read(body), answers.host().name());
        try (Lease lease = answers.host().lease()) {
            Binding binding = answers.binding(lease, Caller.of(from));
            ElasticModel model = lease.model().service().model();
            Plan plan = binding.plan(request);
            List<Point> curve = model.levels().stream().map(level -> new Point(level.share(),
                    Times.of(predicted(binding, request.withPin(Optional.of(Pin.of(level.share()))))))).toList();
            to.header(HeaderValues.CONTENT_TYPE_JSON).send(Json.write(new Preview(model.name(), ElmsReport.of(plan), curve)));
        }
    }

    private static Latency predicted(Binding binding, Request request) {
        return binding.plan(request).predicted();
    }
}
