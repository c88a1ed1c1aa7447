package elms.service;

import elms.planner.Plan;
import elms.planner.Prompt;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A request between two threads: the engine's, which serves it, and the one that made it, which follows. Neither waits for the
 * other: what the engine says is kept until it is heard.
 */
final class Call {
    /** What the engine says. */
    private sealed interface Event {
        record Planned(Plan plan) implements Event {}

        record Scored(TokenScore score) implements Event {}

        record Text(String piece) implements Event {}

        record Done(Response response) implements Event {}

        record Failed(RuntimeException reason) implements Event {}
    }

    private final AppProfile app;
    private final Request request;
    private final Prompt prompt;
    private final int longest;
    private final double arrival;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private volatile boolean cancelled;

    /**
     * @param longest most tokens of the answer
     * @param arrival on the service's clock, in milliseconds
     */
    Call(AppProfile app, Request request, Prompt prompt, int longest, double arrival) {
        this.app = app;
        this.request = request;
        this.prompt = prompt;
        this.longest = longest;
        this.arrival = arrival;
    }

    AppProfile app() {
        return app;
    }

    Request request() {
        return request;
    }

    Prompt prompt() {
        return prompt;
    }

    int longest() {
        return longest;
    }

    double arrival() {
        return arrival;
    }

    boolean cancelled() {
        return cancelled;
    }

    void planned(Plan plan) {
        events.add(new Event.Planned(plan));
    }

    void scored(TokenScore score) {
        events.add(new Event.Scored(score));
    }

    void text(String piece) {
        events.add(new Event.Text(piece));
    }

    void done(Response response) {
        events.add(new Event.Done(response));
    }

    void failed(RuntimeException reason) {
        events.add(new Event.Failed(reason));
    }

    /**
     * Hands everything to the listener, on this thread, until the answer ends. Sleeps while there is nothing to hand: the engine
     * is who looks whether the call is cancelled, and says that it has ended.
     */
    Response follow(Listener listener) {
        boolean interrupted = false;
        boolean complete = false;
        try {
            listener.begun(() -> cancelled = true);
            while (true) {
                try {
                    switch (events.take()) {
                        case Event.Planned planned -> listener.planned(planned.plan());
                        case Event.Scored scored -> listener.scored(scored.score());
                        case Event.Text text -> listener.text(text.piece());
                        case Event.Done done -> {
                            complete = true;
                            return done.response();
                        }
                        case Event.Failed failed -> {
                            complete = true;
                            throw failed.reason();
                        }
                    }
                } catch (InterruptedException e) {
                    interrupted = true;
                    cancelled = true;
                }
            }
        } finally {
            cancelled = cancelled || !complete;
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
