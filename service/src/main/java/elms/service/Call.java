package elms.service;

import elms.planner.Plan;
import elms.planner.Prompt;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

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
    private final int promptTokens;
    private final int longest;
    private final double arrival;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final CountDownLatch heard = new CountDownLatch(1);
    private boolean spoken;
    private volatile boolean cancelled;

    /** A call whose prompt fits the context. */
    Call(AppProfile app, Request request, Prompt prompt, int longest, double arrival) {
        this(app, request, prompt, prompt.tokens(), longest, arrival);
    }

    /**
     * @param prompt that fits the context
     * @param promptTokens of the whole prompt
     * @param longest most tokens of the answer
     * @param arrival on the service's clock, in milliseconds
     */
    Call(AppProfile app, Request request, Prompt prompt, int promptTokens, int longest, double arrival) {
        this.app = app;
        this.request = request;
        this.prompt = prompt;
        this.promptTokens = promptTokens;
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

    int promptTokens() {
        return promptTokens;
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
        spoken = true;
        events.add(new Event.Text(piece));
    }

    /**
     * Lets the listener hear the first piece of text, if there is one. For the engine, which takes all processors for its passes:
     * whoever sends that piece would have to wait for one.
     *
     * @param nanos most time for it, so that a slow listener delays nobody
     * @return whether it has been heard, or there was nothing to hear
     */
    boolean awaitHeard(long nanos) {
        try {
            return !spoken || heard.await(nanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
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
                        case Event.Text text -> {
                            listener.text(text.piece());
                            heard.countDown();
                        }
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
            heard.countDown();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
