package elms.elastic.planner;

import elms.elastic.Progress;
import elms.elastic.torch.Adam;
import elms.elastic.torch.Tensors;
import elms.engine.text.Encoding;
import elms.planner.compact.CompactWeights;
import elms.planner.compact.Pieces;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Trains the encoder and its score head to order the words of a prompt by how much they matter. A piece's target is the share of
 * the pieces that matter less.
 */
final class ScoreTraining {
    /** Prompts of a step. */
    private static final int BATCH = 8;
    private static final int WARM_UP = 10;
    private static final double LAYER_RATE = 1e-4;
    private static final double HEAD_RATE = 1e-3;
    private static final double LAST_RATE = 0.05;
    /** One prompt of so many is kept from the training to watch it. */
    static final int WATCHED_EVERY = 12;

    /**
     * A prompt as the encoder reads it, between a begin and an end.
     *
     * @param targets from 0 to 1; NaN where there is none, as of what cannot be cut
     */
    record Sample(int[] ids, int[] kinds, float[] targets) {}

    private final TrainedEncoder encoder;
    private final Adam adam;
    private final Words words;

    private ScoreTraining(TrainedEncoder encoder, Adam adam, Words words) {
        this.encoder = encoder;
        this.adam = adam;
        this.words = words;
    }

    /** An encoder that begins as MiniLM and was trained some rounds, without a decision head. */
    static PlannerFile train(MiniLm start, Words words, List<Sample> samples, int rounds, Progress progress) {
        try (PointerScope scope = new PointerScope()) {
            Adam adam = new Adam(name -> name.startsWith(CompactWeights.SCORE) ? HEAD_RATE : LAYER_RATE);
            TrainedEncoder encoder = new TrainedEncoder(start, adam);
            new ScoreTraining(encoder, adam, words).train(samples, rounds, progress);
            return PlannerFile.undecided(words, encoder.positions(), DecisionTraining.tensors(adam));
        }
    }

    /**
     * A sample of a prompt.
     *
     * @param saliency of the model's tokens
     */
    static Sample sample(Exercise exercise, float[] saliency, Words words, Pieces pieces) {
        Encoding tokens = exercise.prompt().encoding();
        Encoding encoding = pieces.encode(exercise.prompt().text());
        int rows = Math.min(encoding.length(), MiniLm.POSITIONS - 2);
        float[] targets = new float[rows + 2];
        Arrays.fill(targets, Float.NaN);
        int[] kinds = new int[rows + 2];
        Arrays.fill(kinds, 1);
        int token = 0;
        for (int i = 0; i < rows; i++) {
            int start = encoding.starts()[i];
            int end = encoding.ends()[i];
            if (exercise.prompt().cuttable().stream().noneMatch(range -> range.start() < end && start < range.end())) {
                continue;
            }
            kinds[i + 1] = 0;
            while (token < tokens.length() && tokens.ends()[token] <= start) {
                token++;
            }
            float most = 0;
            for (int j = token; j < tokens.length() && tokens.starts()[j] < end; j++) {
                most = Math.max(most, Math.abs(saliency[j]));
            }
            targets[i + 1] = most;
        }
        rank(targets);
        return new Sample(framed(encoding, rows, words), kinds, targets);
    }

    /** The first pieces between a begin and an end. */
    static int[] framed(Encoding encoding, int rows, Words words) {
        return IntStream.concat(IntStream.concat(IntStream.of(words.begin()), Arrays.stream(encoding.ids(), 0, rows)),
                IntStream.of(words.end())).toArray();
    }

    /** Every number to the share of the numbers that are smaller. */
    private static void rank(float[] values) {
        Integer[] known = IntStream.range(0, values.length).filter(i -> !Float.isNaN(values[i])).boxed().toArray(Integer[]::new);
        Arrays.sort(known, (a, b) -> Float.compare(values[a], values[b]));
        for (int i = 0; i < known.length; i++) {
            values[known[i]] = (i + 0.5f) / known.length;
        }
    }

    /** Shows the rank correlation of scores and targets on prompts that it does not train on. */
    private void train(List<Sample> samples, int rounds, Progress progress) {
        List<Sample> watched = new ArrayList<>();
        List<Sample> trained = new ArrayList<>();
        for (int i = 0; i < samples.size(); i++) {
            (i % WATCHED_EVERY == 0 ? watched : trained).add(samples.get(i));
        }
        int steps = rounds * Math.ceilDiv(trained.size(), BATCH);
        Random random = new Random(1);
        double correlation = 0;
        for (int step = 0; step < steps; step++) {
            for (int i = 0; i < BATCH; i++) {
                learn(trained.get(random.nextInt(trained.size())), 1.0 / BATCH);
            }
            double warm = Math.min(1, (step + 1.0) / WARM_UP);
            adam.step(step + 1, warm * (LAST_RATE + (1 - LAST_RATE) * (1 + Math.cos(Math.PI * step / steps)) / 2));
            if (step % 50 == 49 || step == steps - 1) {
                correlation = watched.stream().mapToDouble(this::correlation).average().orElse(0);
            }
            progress.at("Training the score head, rank correlation %.2f".formatted(correlation), (step + 1.0) / steps);
        }
    }

    private void learn(Sample sample, double weight) {
        try (PointerScope scope = new PointerScope()) {
            int[] known = known(sample);
            if (known.length == 0) {
                return;
            }
            float[] targets = new float[known.length];
            for (int i = 0; i < known.length; i++) {
                targets[i] = sample.targets()[known[i]];
            }
            Tensor scores = scores(sample).index_select(0, Tensors.indices(known));
            Tensor loss = torch.binary_cross_entropy_with_logits(scores, Tensors.of(targets, known.length));
            loss.mul(Tensors.scalar(weight)).backward();
        }
    }

    private Tensor scores(Sample sample) {
        Tensor x = encoder.embed(Tensors.of(words.rows(sample.ids()), sample.ids().length, MiniLm.WIDTH), sample.kinds());
        return encoder.score(encoder.layer(x));
    }

    private static int[] known(Sample sample) {
        return IntStream.range(0, sample.targets().length).filter(i -> !Float.isNaN(sample.targets()[i])).toArray();
    }

    private double correlation(Sample sample) {
        try (PointerScope scope = new PointerScope()) {
            float[] scores = Tensors.floats(scores(sample));
            int[] known = known(sample);
            float[] ranks = new float[scores.length];
            Arrays.fill(ranks, Float.NaN);
            for (int i : known) {
                ranks[i] = scores[i];
            }
            rank(ranks);
            double sum = 0;
            for (int i : known) {
                sum += (ranks[i] - 0.5) * (sample.targets()[i] - 0.5);
            }
            return known.length < 2 ? 0 : 12 * sum / known.length;
        }
    }
}
