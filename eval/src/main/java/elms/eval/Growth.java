package elms.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleConsumer;

/** How the time of a prompt and of a token grow with the context, beside a peer's if there is one. */
public final class Growth {
    private static final int SHORTEST = 64;
    private static final int LONGEST = 8192;
    private static final int STEPS = 16;
    private static final int MOST_REPEATS = 5;

    /** One point for every doubling of the context. */
    public record Report(String model, int threads, List<Point> points) {}

    /**
     * At one length.
     *
     * @param tokens of the prompt, and of the context that a token is decoded behind
     * @param ratio the peer's time over Elms's: how many times as fast Elms is
     */
    public record Point(int tokens, Times elms, Optional<Times> peer, Optional<Ratio> ratio) {
        static Point of(int tokens, Times elms, Optional<Times> peer) {
            return new Point(tokens, elms, peer,
                    peer.map(times -> new Ratio(times.prefillMs / elms.prefillMs, times.decodeMs / elms.decodeMs)));
        }
    }

    /**
     * Milliseconds.
     *
     * @param prefillMs of the whole prompt
     * @param decodeMs of one token behind it
     */
    public record Times(double prefillMs, double decodeMs) {}

    /** One time over another. */
    public record Ratio(double prefill, double decode) {}

    /** An engine, and what it calls the model. */
    public record Engine(BenchProgram program, String model) {}

    private final Engine elms;
    private final Optional<Engine> peer;
    private final int threads;

    public Growth(Engine elms, Optional<Engine> peer, int threads) {
        this.elms = elms;
        this.peer = peer;
        this.threads = threads;
    }

    /**
     * Measures both engines in turn from short prompts to long ones, each in a process of its own.
     *
     * @param context most tokens that the model was made for
     * @param progress told the share that is done
     */
    public Report run(String model, int context, DoubleConsumer progress) {
        int longest = Math.min(context, LONGEST);
        List<Point> points = new ArrayList<>();
        for (int tokens = Math.min(SHORTEST, longest); tokens <= longest; tokens *= 2) {
            int length = tokens;
            points.add(Point.of(length, times(elms, length), peer.map(engine -> times(engine, length))));
            progress.accept((double) tokens / longest);
        }
        return new Report(model, threads, points);
    }

    private Times times(Engine engine, int tokens) {
        int repeats = Math.clamp(LONGEST / 4 / tokens, 1, MOST_REPEATS);
        Timing timing = engine.program.run(engine.model, threads, tokens, STEPS, repeats);
        return new Times(1000 * tokens / timing.prefillTokS().median(), 1000 / timing.decodeTokS().median());
    }
}
