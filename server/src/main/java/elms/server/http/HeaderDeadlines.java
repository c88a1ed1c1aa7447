package elms.server.http;

import elms.server.http.Deadlines.Deadline;
import io.helidon.http.Headers;
import io.helidon.http.HttpPrologue;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1ConnectionListener;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Closes connections whose headers do not come to an end. One that has not sent its first line is idle, which the server ends.
 */
final class HeaderDeadlines implements Http1ConnectionListener {
    private final Deadlines deadlines;
    private final Duration limit;
    private final Map<ConnectionContext, Deadline> running = new ConcurrentHashMap<>();

    HeaderDeadlines(Deadlines deadlines, Duration limit) {
        this.deadlines = deadlines;
        this.limit = limit;
    }

    @Override
    public void prologue(ConnectionContext connection, HttpPrologue prologue) {
        Deadline deadline = deadlines.start(connection.serverSocket(), limit);
        running.put(connection, () -> {
            running.remove(connection);
            deadline.close();
        });
    }

    @Override
    public void headers(ConnectionContext connection, Headers headers) {
        Deadline deadline = running.get(connection);
        if (deadline != null) {
            deadline.close();
        }
    }
}
