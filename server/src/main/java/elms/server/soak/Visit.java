package elms.server.soak;

import java.util.Random;

/** What a client comes for. */
enum Visit {
    /** Asks, and waits for the whole answer. */
    WHOLE(20),
    /** Reads the answer while it is made. */
    STREAM(20),
    /** Reads it, with how likely each token was, slower than it is made. */
    SLOW(8),
    /** Goes away in the middle of the answer. */
    LEAVE(15),
    /** Goes away before there is one. */
    VANISH(12),
    /** Has little time, and lets the planner choose. */
    HURRY(12),
    /** Wants what cannot be had in time, or nothing. */
    STRICT(3),
    /** Comes with more others of its app than the app may have at work. */
    CROWD(6),
    /** Binds its app anew, with a beginning to keep ready. */
    BIND(6),
    /** Has a prompt longer than the context. */
    LONG(3),
    /** Sends more bytes than the server takes. */
    HUGE(1);

    private final int weight;

    Visit(int weight) {
        this.weight = weight;
    }

    /** One of them by chance, by their weights. */
    static Visit any(Random random) {
        int sum = 0;
        for (Visit visit : values()) {
            sum += visit.weight;
        }
        int drawn = random.nextInt(sum);
        for (Visit visit : values()) {
            drawn -= visit.weight;
            if (drawn < 0) {
                return visit;
            }
        }
        throw new AssertionError("the weights have no such sum");
    }
}
