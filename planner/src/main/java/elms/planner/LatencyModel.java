package elms.planner;

import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Predicts the latency of a level on this device. Prefill and decode are sums of the work they do, each kind of work with a
 * price that was fitted to measurements:
 *
 * <pre>
 * prefill(n tokens) = p0 · chunks + p1 · weights · chunks + p2 · weights · n + p3 · head outputs · n · (n + 1) / 2 + p4 · n
 * decode(context)   = d0 + d1 · bytes + d2 · head outputs · context + d3 · adapted
 * </pre>
 *
 * where weights are those the level reads for a token and bytes what they take, output head included, and head outputs are
 * the sum over its heads of their dimensions. Adapted is 1 for a level below the full one: its adapters and its screen take more
 * time than their bytes tell. A decode step is one that has settled: the first ones of an answer take longer ({@link Settling}).
 *
 * @param prefill prices p0 to p4, in milliseconds
 * @param decode prices d0 to d3, in milliseconds
 * @param prefillMargin 95th percentile of measured over predicted
 * @param decodeMargin likewise
 * @param overhead of a request to an idle service
 */
public record LatencyModel(double[] prefill, double[] decode, double prefillMargin, double decodeMargin, Settling settling,
        RequestOverhead overhead) {
    private static final double UNIT = 1e6;
    private static final int PREFILL_PRICES = 5;
    private static final int DECODE_PRICES = 4;

    public LatencyModel {
        if (prefill.length != PREFILL_PRICES || decode.length != DECODE_PRICES || !(prefillMargin > 0) || !(decodeMargin > 0)) {
            throw new IllegalArgumentException("a latency model has " + PREFILL_PRICES + " prices for prefill, " + DECODE_PRICES
                    + " for decode and positive margins");
        }
    }

    /** What the model's work takes, without a service around it. */
    public LatencyModel(double[] prefill, double[] decode, double prefillMargin, double decodeMargin, Settling settling) {
        this(prefill, decode, prefillMargin, decodeMargin, settling, RequestOverhead.NONE);
    }

    /** The same work, as requests get it. */
    public LatencyModel with(RequestOverhead ofRequests) {
        return new LatencyModel(prefill, decode, prefillMargin, decodeMargin, settling, ofRequests);
    }

    /** A prompt that was read at once. */
    public record Sample(SubModel level, int tokens, double millis) {}

    /**
     * Steps that one level gave behind a prompt or other levels.
     *
     * @param context tokens before them
     * @param millis of each, at least four
     */
    public record Run(SubModel level, int context, double[] millis) {
        /** Some of the steps. */
        Run part(int from, int to) {
            return new Run(level, context + from, Arrays.copyOfRange(millis, from, to));
        }

        double meanMillis() {
            return Arrays.stream(millis).average().orElseThrow();
        }
    }

    /** Fits prices to measurements, so that the middle of the relative errors is least. */
    public static LatencyModel fit(List<Sample> prefill, List<Run> decode) {
        Settling settling = Settling.of(decode);
        double[][] prefillWork = prefill.stream().map(sample -> prefillWork(sample.level(), 0, sample.tokens())).toArray(double[][]::new);
        double[] prefillMillis = prefill.stream().mapToDouble(Sample::millis).toArray();
        double[][] decodeWork = new double[2 * decode.size()][];
        double[] decodeMillis = new double[decodeWork.length];
        for (int i = 0; i < decodeWork.length; i++) {
            Run run = decode.get(i / 2);
            int half = run.millis().length / 2;
            int from = i % 2 * half;
            Run part = run.part(from, from + half);
            decodeWork[i] = decodeWork(run.level(), part.context() + half / 2);
            decodeMillis[i] = part.meanMillis() / settling.steps(run.level().share(), 1).meanMillis(from, half);
        }
        double[] prefillPrices = NonNegativeFit.solveRelative(prefillWork, prefillMillis);
        double[] decodePrices = NonNegativeFit.solveRelative(decodeWork, decodeMillis);
        return new LatencyModel(prefillPrices, decodePrices, margin(prefillWork, prefillPrices, prefillMillis),
                margin(decodeWork, decodePrices, decodeMillis), settling);
    }

    /** 95th percentile of the time to read a prompt and score its next token, in milliseconds. */
    public double prefillMillis(SubModel level, int tokens) {
        return prefillMillis(0, List.of(new Part(level, tokens)));
    }

    /** Some tokens of a prompt that one level reads. */
    public record Part(SubModel level, int tokens) {}

    /**
     * 95th percentile of the time to read the parts of a prompt, one after another, and score its next token, in milliseconds.
     *
     * @param cached tokens before them that need not be read
     */
    public double prefillMillis(int cached, List<Part> parts) {
        double millis = 0;
        int before = cached;
        for (Part part : parts) {
            millis += dot(prefillWork(part.level(), before, part.tokens()), prefill);
            before += part.tokens();
        }
        return prefillMargin * millis;
    }

    /** 95th percentile of the time of a decode step after {@code context} tokens that has settled, in milliseconds. */
    public double decodeMillis(SubModel level, int context) {
        return decodeMargin * dot(decodeWork(level, context), decode);
    }

    /** 95th percentile of the time of steps around a context, the first of which comes behind a prompt or another level. */
    public Steps steps(SubModel level, int context) {
        return settling.steps(level.share(), decodeMillis(level, context));
    }

    /** 95th percentile of the TTFT of a request to an idle service, whose prompt one level reads, in milliseconds. */
    public double ttftMillis(SubModel level, int tokens) {
        return prefillMillis(level, tokens) + overhead.ttftMillis();
    }

    /**
     * 95th percentile of the TPOT of a request to an idle service, whose prompt and answer one level does, in milliseconds.
     *
     * @param answerTokens of the whole answer
     */
    public double tpotMillis(SubModel level, int promptTokens, int answerTokens) {
        return overhead.tpotFactor() * steps(level, promptTokens + answerTokens / 2).tpotMillis(answerTokens);
    }

    private static double[] prefillWork(SubModel level, int before, int tokens) {
        double weights = weights(level);
        int chunks = (tokens + Transformer.CHUNK - 1) / Transformer.CHUNK;
        return new double[] {
            chunks, weights * chunks, weights * tokens, headOutputs(level) * tokens * (before + (tokens + 1.0) / 2), tokens
        };
    }

    private static double[] decodeWork(SubModel level, int context) {
        return new double[] {1, level.stepBytes() / UNIT, headOutputs(level) * context, level.share() < 1 ? 1 : 0};
    }

    private static double weights(SubModel level) {
        return level.share() * level.weights().config().decoderWeights() / UNIT;
    }

    private static double headOutputs(SubModel level) {
        return IntStream.of(level.level().heads()).sum() * level.weights().config().headDim() / UNIT;
    }

    private static double margin(double[][] work, double[] prices, double[] millis) {
        double[] ratios = new double[work.length];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = millis[i] / dot(work[i], prices);
        }
        Arrays.sort(ratios);
        return ratios[Math.min(ratios.length - 1, (int) Math.floor(0.95 * ratios.length))];
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
