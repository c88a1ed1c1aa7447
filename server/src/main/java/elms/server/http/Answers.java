package elms.server.http;

import elms.server.grammar.GrammarConstraint;
import elms.server.http.Guard.Caller;
import elms.server.http.ModelHost.Lease;
import elms.service.Binding;
import elms.service.Listener;
import elms.service.Request;
import elms.service.Response;
import elms.service.Response.FinishReason;
import elms.service.TokenScore;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.util.function.Consumer;
import java.util.function.Function;

/** Has the service answer a request and sends what comes. Work for a client that has gone is ended. */
final class Answers {
    private final ModelHost host;
    private final Apps apps;

    Answers(ModelHost host, Apps apps) {
        this.host = host;
        this.apps = apps;
    }

    /** The model that is asked, by name. */
    ModelHost host() {
        return host;
    }

    /**
     * Answers a request.
     *
     * @param shape that the answer is held to
     * @param form of the reply, for the model that answers
     */
    void answer(ServerRequest from, ServerResponse to, Request asked, AnswerShape shape, boolean stream,
            Function<LoadedModel, ReplyForm> form) {
        try (Lease lease = host.lease()) {
            Binding binding = binding(lease, Caller.of(from));
            ClientConnection connection = ClientConnection.of(from);
            connection.watch();
            ReplyForm own = form.apply(lease.model());
            Request request = shape.rule().map(rule -> asked.withConstraint(() -> new GrammarConstraint(rule, lease.model()
                    .tokens())))
                    .orElse(asked);
            Consumer<Runnable> ends = cancel -> {
                connection.whenGone(cancel);
                lease.whenEnding(cancel);
            };
            if (stream) {
                stream(binding, request, new AnswerStream(to, connection, own, request.strict(), ends), connection);
            } else {
                Response response = complete(binding, request, own, connection, ends);
                to.header(HeaderValues.CONTENT_TYPE_JSON).send(Json.write(own.whole(response)));
            }
        }
    }

    /** The binding of the app that a request comes from. */
    Binding binding(Lease lease, Caller caller) {
        return lease.model().binding(apps.profile(caller.app()));
    }

    private void stream(Binding binding, Request request, AnswerStream stream, ClientConnection connection) {
        try {
            Response response = binding.call(request, stream);
            requireComplete(response, connection);
            stream.end(response);
        } catch (RuntimeException e) {
            if (!stream.open() || connection.gone()) {
                throw e;
            }
            stream.fail(ErrorHandlers.told(e));
        }
    }

    private static Response complete(Binding binding, Request request, ReplyForm form, ClientConnection connection,
            Consumer<Runnable> ends) {
        Response response = binding.call(request, new Listener() {
            @Override
            public void begun(Runnable cancel) {
                ends.accept(cancel);
            }

            @Override
            public void scored(TokenScore score) {
                form.scored(score);
            }

            @Override
            public void text(String piece) {}
        });
        requireComplete(response, connection);
        return response;
    }

    private static void requireComplete(Response response, ClientConnection connection) {
        if (connection.gone()) {
            throw new CloseConnectionException("the client has gone");
        }
        if (response.finishReason() == FinishReason.CANCELLED) {
            throw ApiException.closing();
        }
    }
}
