package elms.eval;

import static elms.eval.Bench.PROMPT;
import static elms.eval.Bench.STEPS;

import elms.eval.Bench.LevelSpeed;
import elms.eval.Timing.Spread;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** Elms beside a peer on the same weights in some formats, every measurement in a process of its own. */
public final class Comparison {
    private static final int REPEATS = 3;

    /**
     * How the served model compares.
     *
     * @param peer for each figure the peer's best of all formats
     * @param ratio the served model's full level over {@code peer}
     */
    public record Report(Speed peer, Ratio ratio, List<FormatSpeed> formats) {}

    /** Tokens a second: prefill of 512, decode behind them and from an empty context. */
    public record Speed(double prefillTokS, double decodeTokS, double decodeEmptyTokS) {}

    /** How many times as fast Elms is. */
    public record Ratio(double prefill, double decode, double decodeEmpty) {}

    /** Both engines on the same file. */
    public record FormatSpeed(Format format, EngineSpeed elms, EngineSpeed peer) {}

    /** As {@link Speed}, with what memory a process held before its first token, if it told, and at most. */
    public record EngineSpeed(double prefillTokS, double decodeTokS, double decodeEmptyTokS, OptionalDouble startRssMb,
            OptionalDouble peakRssMb) {}

    /** One round of one engine on one file. */
    private record Sample(Timing behindPrompt, Timing fromEmpty) {}

    private record Samples(List<Sample> elms, List<Sample> peer) {}

    private final Map<Format, Path> files;
    private final BenchProgram elms;
    private final BenchProgram peer;
    private final int threads;
    private final Map<Format, Samples> samples = new EnumMap<>(Format.class);

    /**
     * Starts both engines once on every file: what is prepared at a first start is not measured.
     *
     * @param files the model in every format that is compared
     */
    public Comparison(Map<Format, Path> files, BenchProgram elms, BenchProgram peer, int threads) {
        this.files = files;
        this.elms = elms;
        this.peer = peer;
        this.threads = threads;
        files.forEach((format, file) -> {
            elms.run(file.toString(), threads, 1, 1, 1);
            peer.run(file.toString(), threads, 1, 1, 1);
            samples.put(format, new Samples(new ArrayList<>(), new ArrayList<>()));
        });
    }

    /** Measures one format of one engine after the other. */
    public void round() {
        files.forEach((format, file) -> {
            samples.get(format).elms.add(sample(elms, file));
            samples.get(format).peer.add(sample(peer, file));
        });
    }

    private Sample sample(BenchProgram engine, Path file) {
        return new Sample(engine.run(file.toString(), threads, PROMPT, STEPS, REPEATS),
                engine.run(file.toString(), threads, 1, STEPS, REPEATS));
    }

    /**
     * The medians of all rounds so far, of which there must be one.
     *
     * @param served the full level of the served model
     */
    public Report report(LevelSpeed served) {
        List<FormatSpeed> formats = new ArrayList<>();
        samples.forEach((format, both) -> formats.add(new FormatSpeed(format, speed(both.elms), speed(both.peer))));
        Speed best = new Speed(best(formats, EngineSpeed::prefillTokS), best(formats, EngineSpeed::decodeTokS),
                best(formats, EngineSpeed::decodeEmptyTokS));
        Ratio ratio = new Ratio(served.prefillTokS() / best.prefillTokS, served.decodeTokS() / best.decodeTokS,
                served.decodeEmptyTokS() / best.decodeEmptyTokS);
        return new Report(best, ratio, formats);
    }

    private static EngineSpeed speed(List<Sample> rounds) {
        return new EngineSpeed(median(rounds, round -> round.behindPrompt.prefillTokS().median()),
                median(rounds, round -> round.behindPrompt.decodeTokS().median()),
                median(rounds, round -> round.fromEmpty.decodeTokS().median()),
                memory(rounds, Timing::startRssMb), memory(rounds, Timing::peakRssMb));
    }

    private static OptionalDouble memory(List<Sample> rounds, Function<Timing, OptionalDouble> figure) {
        return rounds.stream().allMatch(round -> figure.apply(round.behindPrompt).isPresent())
                ? OptionalDouble.of(median(rounds, round -> figure.apply(round.behindPrompt).orElseThrow())) : OptionalDouble.empty();
    }

    private static double median(List<Sample> rounds, ToDoubleFunction<Sample> figure) {
        return Spread.of(rounds.stream().mapToDouble(figure).toArray()).median();
    }

    private static double best(List<FormatSpeed> formats, ToDoubleFunction<EngineSpeed> figure) {
        return formats.stream().map(FormatSpeed::peer).mapToDouble(figure).max().orElseThrow();
    }
}
