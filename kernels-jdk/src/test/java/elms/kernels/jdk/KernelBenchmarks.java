package elms.kernels.jdk;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.util.Statistics;

/**
 * Runs {@link KernelBenchmark} and prints a table: time of a call (its median, which a busy machine spoils least, and the 90th
 * percentile), work a second, and its share of what the machine can do: of multiplying in the first-level cache for prompts, of
 * reading memory for single tokens. First argument: the library of the folder peak; the rest as JMH takes them.
 */
final class KernelBenchmarks {
    private KernelBenchmarks() {}

    public static void main(String[] arguments) throws Exception {
        CommandLineOptions options = new CommandLineOptions(Arrays.copyOfRange(arguments, 1, arguments.length));
        Path library = Path.of(arguments[0]).toAbsolutePath();
        int threads = Runtime.getRuntime().availableProcessors();
        Peak before = Peak.measure(library, threads);
        Collection<RunResult> results = new Runner(new OptionsBuilder().parent(options)
                .include(KernelBenchmark.class.getName() + "\\.").build()).run();
        Peak peak = before.orBetter(Peak.measure(library, threads));
        System.out.printf(Locale.ROOT, "%nThis machine's peak on %d threads: %.0f GMAC/s of 8-bit integers, %.0f GMAC/s of floats, "
                + "%.0f GMAC/s in tiles of bfloat16, %.1f GB/s of reading.%n%n", threads, peak.integers() / 1e9, peak.floats() / 1e9,
                peak.tiles() / 1e9, peak.bandwidth() / 1e9);
        System.out.println("| kernel | provider | µs | 90 % | work | share of peak |");
        System.out.println("|---|---|---|---|---|---|");
        results.forEach(result -> System.out.println(row(result, peak)));
    }

    private static String row(RunResult result, Peak peak) {
        KernelWork work = KernelWork.valueOf(result.getParams().getParam("work"));
        Provider provider = Provider.valueOf(result.getParams().getParam("provider"));
        Statistics times = result.getPrimaryResult().getStatistics();
        double micros = times.getPercentile(50);
        String row = String.format(Locale.ROOT, "| %s | %s | %.1f | %.1f |", name(work.name()),
                name(provider.name()), micros, times.getPercentile(90));
        if (work.kind == KernelWork.Kind.NORM) {
            return row + " – | – |";
        }
        if (work.tokens == 1) {
            double bytes = work.bytes(provider) * 1e6 / micros;
            return row + String.format(Locale.ROOT, " %.1f GB/s | %.2f |", bytes / 1e9, bytes / peak.bandwidth());
        }
        double products = work.products() * 1e6 / micros;
        return row + String.format(Locale.ROOT, " %.1f GMAC/s | %.2f |", products / 1e9, products / most(work, provider, peak));
    }

    /** What a prompt's products can be at most, by what they are made in. */
    private static double most(KernelWork work, Provider provider, Peak peak) {
        boolean inTiles = provider == Provider.NATIVE && peak.tiles() > 0 && work.kind != KernelWork.Kind.ADAPT;
        boolean inFloats = work.kind == KernelWork.Kind.ATTENTION || work.kind == KernelWork.Kind.ADAPT;
        return inTiles ? peak.tiles() : inFloats ? peak.floats() : peak.integers();
    }

    private static String name(String constant) {
        return constant.toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
