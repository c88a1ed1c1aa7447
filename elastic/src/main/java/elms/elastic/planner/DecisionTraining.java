package elms.elastic.planner;

import elms.elastic.torch.Adam;
import elms.elastic.torch.Tensors;
import elms.planner.Decision;
import elms.planner.compact.CompactWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Trains the decision head: two layers that read the encoder's summary of a prompt and say what each shape of plan is worth. It
 * starts from what a shape is worth on average.
 */
final class DecisionTraining {
    static final int HIDDEN = 32;
    private static final double RATE = 2e-3;
    private static final double DECAY = 1e-2;
    private static final int STEPS = 300;
    private static final int MEASURE_EVERY = 10;
    /** One prompt of so many is kept from the training, to stop it in time. */
    private static final int WATCHED_EVERY = 5;
    private static final int ROUNDS = 50;

    /** A prompt's summary, and what was measured on it. */
    record Sample(float[] summary, List<Outcome> outcomes) {}

    /**
     * The trained head.
     *
     * @param averageLoss mean squared error on prompts not trained on, when every prompt gets the average
     * @param loss the same, of the head
     */
    record Result(Map<String, float[][]> tensors, double averageLoss, double loss) {}

    private DecisionTraining() {}

    static Result train(List<Sample> samples) {
        List<Sample> watched = IntStream.range(0, samples.size()).filter(i -> i % WATCHED_EVERY == 0).mapToObj(samples::get).toList();
        List<Sample> trained = IntStream.range(0, samples.size()).filter(i -> i % WATCHED_EVERY != 0).mapToObj(samples::get).toList();
        float[] averages = averages(trained);
        try (PointerScope scope = new PointerScope()) {
            Adam adam = new Adam(name -> RATE);
            int width = samples.get(0).summary().length;
            adam.add(CompactWeights.DECISION_HIDDEN + ".weight", torch.randn(HIDDEN, width).mul(Tensors.scalar(1 / Math.sqrt(width))));
            adam.add(CompactWeights.DECISION_HIDDEN + ".bias", torch.zeros(1, HIDDEN));
            adam.add(CompactWeights.DECISION + ".weight", torch.zeros(Decision.OUTPUTS, HIDDEN));
            adam.add(CompactWeights.DECISION + ".bias", Tensors.of(averages, 1, averages.length));
            Batch train = new Batch(trained);
            Batch watch = new Batch(watched);
            double averageLoss = watch.loss(adam).item_double();
            double least = averageLoss;
            Map<String, float[][]> best = tensors(adam);
            for (int step = 1; step <= STEPS; step++) {
                try (PointerScope stepScope = new PointerScope()) {
                    Tensor decay = adam.value(CompactWeights.DECISION + ".weight").square().sum()
                            .add(adam.value(CompactWeights.DECISION_HIDDEN + ".weight").square().sum());
                    train.loss(adam).add(decay.mul(Tensors.scalar(DECAY / 100))).backward();
                    adam.step(step, 1);
                    if (step % MEASURE_EVERY == 0) {
                        double loss = watch.loss(adam).item_double();
                        if (loss < least) {
                            least = loss;
                            best = tensors(adam);
                        }
                    }
                }
            }
            return new Result(best, averageLoss, least);
        }
    }

    /** A head that says of every prompt what is true on average. */
    static Map<String, float[][]> average(List<Sample> samples) {
        int width = samples.get(0).summary().length;
        return Map.of(CompactWeights.DECISION_HIDDEN + ".weight", new float[HIDDEN][width],
                CompactWeights.DECISION_HIDDEN + ".bias", new float[1][HIDDEN],
                CompactWeights.DECISION + ".weight", new float[Decision.OUTPUTS][HIDDEN],
                CompactWeights.DECISION + ".bias", new float[][] {averages(samples)});
    }

    /** Outputs whose sums are nearest to what was measured on all prompts, by coordinate descent. */
    private static float[] averages(List<Sample> samples) {
        float[] outputs = new float[Decision.OUTPUTS];
        for (int round = 0; round < ROUNDS; round++) {
            for (int output = 0; output < outputs.length; output++) {
                double sum = 0;
                int count = 1;
                for (Sample sample : samples) {
                    for (Outcome outcome : sample.outcomes()) {
                        int own = output;
                        if (Arrays.stream(outcome.outputs()).anyMatch(other -> other == own)) {
                            double others = Arrays.stream(outcome.outputs()).filter(other -> other != own)
                                    .mapToDouble(other -> outputs[other]).sum();
                            sum += outcome.worth() - others;
                            count++;
                        }
                    }
                }
                outputs[output] = (float) (sum / count);
            }
        }
        return outputs;
    }

    /** All that was measured on some prompts. */
    private static final class Batch {
        private final Tensor summaries;
        private final Tensor rows;
        private final Tensor first;
        private final Tensor second;
        private final Tensor worth;

        Batch(List<Sample> samples) {
            List<float[]> all = samples.stream().map(Sample::summary).toList();
            float[] flat = new float[all.size() * all.get(0).length];
            for (int i = 0; i < all.size(); i++) {
                System.arraycopy(all.get(i), 0, flat, i * all.get(i).length, all.get(i).length);
            }
            summaries = Tensors.of(flat, all.size(), all.get(0).length);
            List<int[]> entries = new ArrayList<>();
            List<Float> worths = new ArrayList<>();
            for (int i = 0; i < samples.size(); i++) {
                for (Outcome outcome : samples.get(i).outcomes()) {
                    // The column behind the last output is always zero.
                    int[] outputs = outcome.outputs();
                    entries.add(new int[] {i, outputs[0], outputs.length > 1 ? outputs[1] : Decision.OUTPUTS});
                    worths.add(outcome.worth());
                }
            }
            rows = Tensors.indices(entries.stream().mapToInt(entry -> entry[0]).toArray());
            first = Tensors.indices(entries.stream().mapToInt(entry -> entry[1]).toArray());
            second = Tensors.indices(entries.stream().mapToInt(entry -> entry[2]).toArray());
            float[] values = new float[worths.size()];
            IntStream.range(0, values.length).forEach(i -> values[i] = worths.get(i));
            worth = Tensors.of(values, values.length);
        }

        Tensor loss(Adam adam) {
            Tensor hidden = TrainedEncoder.activated(affine(CompactWeights.DECISION_HIDDEN, summaries, adam));
            Tensor outputs = affine(CompactWeights.DECISION, hidden, adam);
            Tensor padded = Tensors.join(new ArrayList<>(List.of(outputs, torch.zeros(outputs.size(0), 1))), 1);
            Tensor flat = padded.flatten();
            Tensor at = rows.mul(Tensors.scalar(Decision.OUTPUTS + 1.0)).to(first.scalar_type());
            Tensor predicted = flat.index_select(0, at.add(first)).add(flat.index_select(0, at.add(second)));
            return torch.smooth_l1_loss(predicted, worth);
        }

        private static Tensor affine(String name, Tensor x, Adam adam) {
            return x.matmul(adam.value(name + ".weight").t()).add(adam.value(name + ".bias"));
        }
    }

    static Map<String, float[][]> tensors(Adam adam) {
        Map<String, float[][]> tensors = new TreeMap<>();
        adam.names().forEach(name -> tensors.put(name, Tensors.rows(adam.value(name))));
        return tensors;
    }
}
