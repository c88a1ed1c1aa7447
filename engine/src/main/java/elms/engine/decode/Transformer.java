package elms.engine.decode;

import elms.engine.model.ModelConfig;
import elms.engine.model.SubModel;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.Kernels.Product;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The forward pass of a decoder with grouped-query attention and SwiGLU (Touvron et al., arXiv 2307.09288). Every call may
 * use another level. For one caller at a time.
 */
public final class Transformer {
    /** Most tokens computed at once; a longer prompt is cut, which changes no result. */
    public static final int CHUNK = 256;

    private final Weights weights;
    private final ModelConfig config;
    private final Kernels kernels;
    private final Optional<ScreenedHead> screenedHead;
    private final float[] next;

    private final Pass prompts;
    private final Pass answers;
    private Pass latest;
    /** Whether the full model made the last pass. */
    private boolean whole;

    public Transformer(Weights weights, Kernels kernels) {
        this.weights = weights;
        this.config = weights.config();
        this.kernels = kernels;
        this.screenedHead = weights.screen().map(screen -> new ScreenedHead(weights, screen, kernels));
        this.next = new float[config.vocabulary()];
        this.answers = new Pass(weights, kernels);
        this.prompts = kernels.forPrompts() == kernels ? answers : new Pass(weights, kernels.forPrompts());
        this.latest = answers;
    }

    /** Tokens of one sequence that follow what its cache holds. */
    public record Continuation(int[] ids, KvCache cache) {}

    public Weights weights() {
        return weights;
    }

    /**
     * An empty cache for one sequence.
     *
     * @param capacity most positions; memory is taken page by page as they come
     */
    public KvCache newCache(int capacity) {
        return new KvCache(kernels, config, capacity);
    }

    /** Whether a pass that reads a prompt may take answers a step further: tokens of both get the same arithmetic. */
    public boolean mixesPromptsWithAnswers() {
        return prompts == answers;
    }

    /** Reads a prompt's next tokens at one level, after what the cache holds, and appends their keys and values to it. */
    public void read(int[] ids, SubModel level, KvCache cache) {
        read(ids, level, cache, Probe.NONE);
    }

    /** As {@link #read(int[], SubModel, KvCache)}, showing the activations to a probe. */
    public void read(int[] ids, SubModel level, KvCache cache, Probe probe) {
        cache.requireRoom(ids.length);
        for (int from = 0; from < ids.length; from += CHUNK) {
            int[] chunk = Arrays.copyOfRange(ids, from, Math.min(ids.length, from + CHUNK));
            run(prompts, List.of(new Continuation(chunk, cache)), level, probe);
        }
    }

    /**
     * Reads several prompts at once, which takes less time than one after the other and gives the same results. Each has a cache of its own
     * and at least one token; all together have at most {@link #CHUNK}.
     */
    public void read(List<Continuation> batch, SubModel level) {
        run(prompts, batch, level, Probe.NONE);
    }

    /** Takes an answer one step further, by the token that was chosen last. */
    public void step(int id, SubModel level, KvCache cache) {
        step(List.of(new Continuation(new int[] {id}, cache)), level);
    }

    /** As {@link #read(List, SubModel)}, for several answers at once; by more than one step where tokens are known. */
    public void step(List<Continuation> batch, SubModel level) {
        run(answers, batch, level, Probe.NONE);
    }

    private void run(Pass pass, List<Continuation> batch, SubModel level, Probe probe) {
        batch.forEach(sequence -> sequence.cache().requireRoom(sequence.ids().length));
        latest = pass;
        whole = level.share() == 1;
        pass.run(batch, level, probe);
    }

    /** Scores of every token of the vocabulary to follow the last token read. The next call reuses the array. */
    public float[] logits() {
        score(hidden(latest.tokens() - 1, 1), 1, next);
        return next;
    }

    /**
     * Scores to choose the next token by. After a token that a level below the full one read, only the likeliest few thousand
     * have one, and all others minus infinity. The next call reuses the array.
     */
    public float[] candidates() {
        scoreCandidates(hidden(latest.tokens() - 1, 1), 1, next);
        return next;
    }

    /** As {@link #candidates}, after the last token of each of the batch's first sequences. The next call may reuse the arrays. */
    public float[][] candidatesOfFirst(int sequences) {
        if (sequences == 1) {
            scoreCandidates(hidden(latest.end(0) - 1, 1), 1, next);
            return new float[][] {next};
        }
        int width = config.width();
        float[] hidden = new float[sequences * width];
        for (int sequence = 0; sequence < sequences; sequence++) {
            System.arraycopy(hidden(latest.end(sequence) - 1, 1), 0, hidden, sequence * width, width);
        }
        float[] scores = new float[sequences * config.vocabulary()];
        if (sequences > 0) {
            scoreCandidates(hidden, sequences, scores);
        }
        float[][] each = new float[sequences][];
        Arrays.setAll(each, i -> Arrays.copyOfRange(scores, i * config.vocabulary(), (i + 1) * config.vocabulary()));
        return each;
    }

    /** As {@link #logits()}, after the last token of one of the batch's sequences. The array is the caller's. */
    public float[] logitsOf(int sequence) {
        return logits(latest.end(sequence) - 1, 1);
    }

    /**
     * Scores after each of some tokens of the last pass, one row of the vocabulary's size a token. Where these are not just the
     * last of their sequences, the caches must still be as the pass left them.
     *
     * @param from first token, counted from the start of the pass
     */
    public float[] logits(int from, int count) {
        float[] logits = new float[count * config.vocabulary()];
        score(hidden(from, count), count, logits);
        return logits;
    }

    /** What the output head reads after some tokens of the last pass, as for {@link #logits(int, int)}: rows of the model's width. */
    public float[] hidden(int from, int count) {
        float[] rows = latest.stream(from, count);
        float[] hidden = new float[rows.length];
        kernels.rmsNorm(rows, count, weights.outputNorm(), config.epsilon(), hidden);
        return hidden;
    }

    private void scoreCandidates(float[] hidden, int count, float[] scores) {
        if (whole || screenedHead.isEmpty()) {
            score(hidden, count, scores);
        } else {
            screenedHead.get().score(hidden, count, scores);
        }
    }

    private void score(float[] hidden, int count, float[] logits) {
        kernels.matmul(hidden, count, new Product(weights.output(), logits));
    }
}
