package elms.server.http;

import io.helidon.common.socket.HelidonSocket;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Closes the connections of clients that take too long for what they have begun. */
final class Deadlines implements AutoCloseable {
    private final ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1,
            Thread.ofPlatform().daemon().name("elms-deadlines").factory());

    Deadlines() {
        clock.setRemoveOnCancelPolicy(true);
    }

    /** What a client has begun; closed when it is done. */
    interface Deadline extends AutoCloseable {
        @Override
        void close();
    }

    /** Closes the connection after some time, unless the deadline is closed before. */
    Deadline start(HelidonSocket connection, Duration time) {
        ScheduledFuture<?> end = clock.schedule(connection::close, time.toNanos(), TimeUnit.NANOSECONDS);
        return () -> end.cancel(false);
    }

    @Override
    public void close() {
        clock.shutdownNow();
    }
}
