package elms.server.http;

import elms.planner.Plan;
import elms.server.http.Deadlines.Deadline;
import elms.service.Listener;
import elms.service.Response;
import elms.service.TokenScore;
import io.helidon.common.socket.SocketWriterException;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.ServerConnectionException;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;

/** Sends an answer while it is made. Nothing is sent before there is a plan, so that a refusal still has its status. */
final class AnswerStream implements Listener {
    private final ServerResponse response;
    private final ClientConnection connection;
    private final ReplyForm form;
    private final boolean strict;
    private final Consumer<Runnable> ends;
    private OutputStream out;

    /**
     * @param strict whether a plan that misses the SLO will be refused
     * @param ends takes what ends the answer, to be run when nobody wants it any more
     */
    AnswerStream(ServerResponse response, ClientConnection connection, ReplyForm form, boolean strict, Consumer<Runnable> ends) {
        this.response = response;
        this.connection = connection;
        this.form = form;
        this.strict = strict;
        this.ends = ends;
    }

    @Override
    public void begun(Runnable cancel) {
        ends.accept(cancel);
    }

    @Override
    public void planned(Plan plan) {
        if (!strict || plan.feasible()) {
            send(form.begin(plan));
        }
    }

    @Override
    public void scored(TokenScore score) {
        form.scored(score);
    }

    @Override
    public void text(String piece) {
        send(form.piece(piece));
    }

    /** Ends a complete answer. */
    void end(Response complete) {
        send(form.end(complete));
        write(form.framing().last());
        close();
    }

    /** Whether part of the answer has been sent: the status cannot be changed any more. */
    boolean open() {
        return out != null;
    }

    /** Ends an answer that failed in the middle. */
    void fail(ApiException failure) {
        send(List.of(form.failure(failure)));
        close();
    }

    private void send(List<Object> documents) {
        for (Object document : documents) {
            String json = new String(Json.write(document), StandardCharsets.UTF_8);
            write(form.framing().before(document) + json + form.framing().after());
        }
    }

    private void write(String text) {
        if (connection.gone()) {
            return;
        }
        try (Deadline _ = connection.writing()) {
            if (out == null) {
                response.header(HeaderNames.CONTENT_TYPE, form.framing().contentType()).header(HeaderNames.CACHE_CONTROL,
                        "no-store");
                out = response.outputStream();
            }
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException | UncheckedIOException | ServerConnectionException | SocketWriterException e) {
            connection.broke();
        }
    }

    private void close() {
        try {
            if (out != null && !connection.gone()) {
                out.close();
            }
        } catch (IOException | UncheckedIOException | ServerConnectionException | SocketWriterException e) {
            connection.broke();
        }
    }
}
