package elms.server.http;

import elms.server.http.Deadlines.Deadline;
import elms.server.http.ServerSettings.Limits;
import io.helidon.common.buffers.DataReader.InsufficientDataAvailableException;
import io.helidon.http.Status;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http.ServerRequest;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The connection that a request came over. */
final class ClientConnection {
    private final ConnectionContext connection;
    private final Deadlines deadlines;
    private final Limits limits;
    private volatile boolean gone;
    private Runnable whenGone = () -> {};
    /** Waits for the client's next byte. */
    private Thread watch;

    ClientConnection(ConnectionContext connection, Deadlines deadlines, Limits limits) {
        this.connection = connection;
        this.deadlines = deadlines;
        this.limits = limits;
    }

    static ClientConnection of(ServerRequest request) {
        return request.context().get(ClientConnection.class)
                .orElseThrow(() -> new IllegalStateException("every request is routed by ConnectionRouting"));
    }

    /** Reads the whole body, which must come in time. One that is too large is read too: its client listens only then. */
    byte[] body(ServerRequest request) {
        try (Deadline _ = deadlines.start(connection.serverSocket(), limits.body())) {
            byte[] body = request.content().inputStream().readNBytes(limits.bodyBytes() + 1);
            if (body.length > limits.bodyBytes()) {
                request.content().consume();
                throw ApiException.of(Status.REQUEST_ENTITY_TOO_LARGE_413, "body_too_large",
                        "the body has more than " + limits.bodyBytes() + " bytes");
            }
            return body;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InsufficientDataAvailableException e) {
            throw new CloseConnectionException("the client has gone", e);
        }
    }

    /** Reads what is left of a body: a connection that is closed before takes the response with it. */
    void drain(ServerRequest request) {
        try (Deadline _ = deadlines.start(connection.serverSocket(), limits.body())) {
            if (!request.content().consumed()) {
                request.content().consume();
            }
        } catch (InsufficientDataAvailableException e) {
            throw new CloseConnectionException("the client has gone", e);
        }
    }

    /** The client must take what is written until the deadline is closed. */
    Deadline writing() {
        return deadlines.start(connection.serverSocket(), limits.write());
    }

    /** Writing has failed, or reading: the client has gone. */
    synchronized void broke() {
        gone = true;
        whenGone.run();
    }

    /** Has something done when the client has gone, at once if it has. */
    synchronized void whenGone(Runnable action) {
        whenGone = action;
        if (gone) {
            action.run();
        }
    }

    /** Begins to notice when the client goes, by waiting for its next byte. */
    void watch() {
        watch = Thread.ofVirtual().name("elms-watch").start(() -> {
            try {
                connection.dataReader().ensureAvailable();
            } catch (InsufficientDataAvailableException | CloseConnectionException | UncheckedIOException e) {
                broke();
            }
        });
    }

    /**
     * Waits for the first byte of the next request if a watch has begun to: two must not read at once. Helidon, for which this
     * request is not over, does not see that the connection is idle.
     */
    void awaitNext() {
        if (watch == null) {
            return;
        }
        try (Deadline _ = deadlines.start(connection.serverSocket(), limits.idle())) {
            watch.join();
        } catch (InterruptedException e) {
            throw new CloseConnectionException("the server stops", e);
        }
        if (gone) {
            throw new CloseConnectionException("the client has gone");
        }
    }

    /** Whether the client is known to have gone. */
    boolean gone() {
        return gone;
    }
}
