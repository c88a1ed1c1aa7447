package elms.eval;

import elms.engine.decode.KvCache;
import elms.engine.decode.Logits;
import elms.engine.decode.Transformer;
import elms.engine.text.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Answers multiple-choice questions by likelihood, as EleutherAI's lm-evaluation-harness does. */
public final class MultipleChoice implements AutoCloseable {
    /**
     * Accuracy on one task.
     *
     * @param acc share of the questions whose likeliest choice is the right one
     * @param accNorm the same, by log-probability a character
     * @param stderr standard error of {@code acc}
     */
    public record Accuracy(double acc, double accNorm, double stderr, int n) {
        static Accuracy of(List<Answer> answers) {
            int n = answers.size();
            double acc = answers.stream().filter(Answer::right).count() / (double) n;
            double accNorm = answers.stream().filter(Answer::rightByLength).count() / (double) n;
            return new Accuracy(acc, accNorm, Math.sqrt(acc * (1 - acc) / Math.max(1, n - 1)), n);
        }
    }

    /**
     * How a question was answered.
     *
     * @param right by log-probability
     * @param rightByLength by log-probability a character
     */
    public record Answer(boolean right, boolean rightByLength) {}

    /** The beginning of a prompt that was read before. */
    private record Beginning(int[] tokens, KvCache cache) {}

    private final Transformer transformer;
    private final Tokenizer tokenizer;
    private final Reading reading;
    private Optional<Beginning> known = Optional.empty();

    public MultipleChoice(Transformer transformer, Tokenizer tokenizer, Reading reading) {
        this.transformer = transformer;
        this.tokenizer = tokenizer;
        this.reading = reading;
    }

    /** Answers without examples. */
    public Answer answer(Question question) {
        return answer("", question);
    }

    /** Answers after examples, which end where the question begins. They are read once for questions that share them. */
    public Answer answer(String examples, Question question) {
        String context = examples + question.context();
        List<int[]> texts = question.choices().stream().map(choice -> tokenizer.encode(context + " " + choice).ids()).toList();
        int contextTokens = tokenizer.encode(context).length();
        int exampleTokens = examples.isEmpty() ? 0 : tokenizer.encode(examples).length();
        double[] scores = scores(texts, contextTokens, exampleTokens);
        double[] byLength = new double[scores.length];
        Arrays.setAll(byLength, i -> scores[i] / Math.max(1, question.choices().get(i).length()));
        return new Answer(best(scores) == question.answer(), best(byLength) == question.answer());
    }

    /** Sums of each text's log-probabilities from its {@code context}-th token on. What all begin with is read once. */
    private double[] scores(List<int[]> texts, int context, int examples) {
        int shared = context;
        for (int[] text : texts) {
            int mismatch = Arrays.mismatch(text, texts.getFirst());
            shared = Math.min(shared, Math.min(text.length - 1, mismatch < 0 ? text.length : mismatch));
        }
        double[] sums = new double[texts.size()];
        try (KvCache cache = read(Arrays.copyOf(texts.getFirst(), shared), examples, texts.stream().mapToInt(text -> text.length)
                .max().orElse(0))) {
            float[] first = transformer.logits();
            for (int i = 0; i < sums.length && shared >= context; i++) {
                sums[i] = Logits.logProbability(first, 0, first.length, texts.get(i)[shared]);
            }
            for (int i = 0; i < sums.length; i++) {
                int[] text = texts.get(i);
                for (int from = shared; from < text.length - 1; from += Transformer.CHUNK) {
                    int count = Math.min(Transformer.CHUNK, text.length - 1 - from);
                    transformer.read(Arrays.copyOfRange(text, from, from + count), reading.answer(), cache);
                    sums[i] += logProbability(text, from, count, context);
                }
                cache.truncate(shared);
            }
        }
        return sums;
    }

    /** A cache that holds a prompt, with room for more. */
    private KvCache read(int[] prompt, int examples, int room) {
        int[] beginning = Arrays.copyOf(prompt, reading.exampleTokens(prompt.length, examples));
        if (known.filter(before -> startsWith(before.tokens(), beginning)).isEmpty()) {
            close();
            KvCache cache = transformer.newCache(beginning.length);
            known = Optional.of(new Beginning(beginning, cache));
            if (beginning.length > 0) {
                transformer.read(beginning, reading.examples(), cache);
            }
        }
        KvCache cache = known.get().cache().fork(beginning.length, room);
        reading.readOn(transformer, prompt, examples, cache);
        return cache;
    }

    private static boolean startsWith(int[] tokens, int[] beginning) {
        return beginning.length <= tokens.length && Arrays.equals(tokens, 0, beginning.length, beginning, 0, beginning.length);
    }

    @Override
    public void close() {
        known.ifPresent(before -> before.cache().close());
        known = Optional.empty();
    }

    /** Log-probability of what follows each of the tokens just read, as far as it belongs to the answer. */
    private double logProbability(int[] text, int from, int count, int context) {
        int skipped = Math.max(0, context - 1 - from);
        if (skipped >= count) {
            return 0;
        }
        float[] logits = transformer.logits(skipped, count - skipped);
        int vocabulary = logits.length / (count - skipped);
        double sum = 0;
        for (int row = 0; row < count - skipped; row++) {
            sum += Logits.logProbability(logits, row * vocabulary, vocabulary, text[from + skipped + row + 1]);
        }
        return sum;
    }

    private static int best(double[] scores) {
        int best = 0;
        for (int i = 1; i < scores.length; i++) {
            best = scores[i] > scores[best] ? i : best;
        }
        return best;
    }
}
