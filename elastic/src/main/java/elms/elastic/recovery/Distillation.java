package elms.elastic.recovery;

import elms.elastic.Progress;
import elms.elastic.recovery.Checkpoint.Spent;
import elms.elastic.torch.Adam;
import elms.elastic.torch.Tensors;
import elms.elastic.torch.Torch;
import elms.engine.gguf.FloatRows;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorType;
import elms.engine.model.Pack;
import elms.engine.model.Weights;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * Trains the adapters, norms and biases of all levels to predict what the full model predicts (Hinton et al., arXiv 1503.02531), and for a
 * share what the text says. The Python twin is {@code distill.py}. For one thread; all its native memory is given back when it is closed.
 */
public final class Distillation implements AutoCloseable {
    /** Sequences of a batch. */
    public static final int BATCH = 4;
    /** Levels of a batch, one of each third of them; one of these is read by, and the full model answers over its cache. */
    private static final int TURNS = 3;
    /** Share of the loss that goes to the text's own next token; the rest is the full model's predictions. */
    private static final double TEXT = 0.5;
    /** Batches until the learning rates are reached; later they fall by a cosine to their last share. */
    private static final int WARM_UP = 20;
    private static final double LAST_RATE = 0.05;
    private static final int MEASURE_EVERY = 10;
    /** Times that the progress tells the time left. */
    private static final int REPORTS = 20;

    private final PointerScope scope = new PointerScope();
    private final Checkpoint checkpoint;
    private final Pack start;
    private final List<int[]> texts;
    private final Decoder decoder;
    private final Student full;
    private final List<Student> students;
    private final Adam adam;
    private final double text;
    private int batches;

    /**
     * Goes on from a checkpoint.
     *
     * @param start its state as a pack
     * @param weights of the full model, in the pack's order
     */
    public Distillation(Checkpoint checkpoint, Pack start, Weights weights, Torch torch) {
        this(checkpoint, start, weights, torch, TEXT);
    }

    /**
     * @param text share of the loss that goes to the text's own next token
     */
    Distillation(Checkpoint checkpoint, Pack start, Weights weights, Torch torch, double text) {
        this.text = text;
        this.checkpoint = checkpoint;
        this.start = start;
        texts = checkpoint.texts();
        batches = checkpoint.spent().batches();
        decoder = new Decoder(weights, torch.type());
        full = Student.full(weights.config());
        try (GgufFile state = GgufFile.open(checkpoint.state())) {
            adam = Checkpoint.trained(state);
        }
        students = Student.of(start.levels(), weights.config(), adam::value);
    }

    /**
     * Trains until the budget is spent.
     *
     * @param budget of the whole recovery, earlier runs included
     */
    public void run(Duration budget, Progress progress) throws IOException {
        double before = checkpoint.spent().seconds();
        long began = System.nanoTime();
        double saved = before;
        double elapsed = before;
        double loss = Double.NaN;
        long left = -1;
        String step = "";
        while (elapsed < budget.toSeconds()) {
            loss = batch(elapsed / budget.toSeconds()).orElse(loss);
            elapsed = before + (System.nanoTime() - began) * 1e-9;
            if (minutesLeft(budget, elapsed) != left) {
                left = minutesLeft(budget, elapsed);
                step = "Recovering the levels, about %d min left, loss %.2f".formatted(left, loss);
            }
            progress.at(step, Math.min(1, elapsed / budget.toSeconds()));
            if (elapsed - saved > checkpoint.every().toSeconds()) {
                save((int) elapsed);
                saved = elapsed;
            }
        }
        save((int) elapsed);
    }

    /** Rounded up to whole reports. */
    private static long minutesLeft(Duration budget, double elapsed) {
        double report = Math.max(60, budget.toSeconds() / (double) REPORTS);
        return Math.round(Math.ceil(Math.max(0, budget.toSeconds() - elapsed) / report) * report / 60);
    }

    /**
     * One step.
     *
     * @param share of the budget that is spent, from 0 to 1
     * @return now and then the mean loss of the levels that took part, in nats a token
     */
    OptionalDouble batch(double share) {
        try (PointerScope batchScope = new PointerScope()) {
            List<int[]> ids = IntStream.range(0, BATCH).mapToObj(j -> texts.get((batches * BATCH + j) % texts.size())).toList();
            int length = ids.get(0).length;
            boolean measured = batches % MEASURE_EVERY == 0;
            Tensor target = lesson(ids);
            int turns = Math.min(TURNS, students.size());
            double loss = 0;
            for (int turn = 0; turn < turns; turn++) {
                int first = Math.ceilDiv(turn * students.size(), turns);
                int count = Math.ceilDiv((turn + 1) * students.size(), turns) - first;
                Student student = students.get(first + batches / TURNS % count);
                int cut = batches % TURNS == turn ? length / 2 : length;
                loss += learn(student, ids, cut, target, 1.0 / turns, measured) / turns;
            }
            double warmUp = Math.min(1, (batches + 1) / (double) WARM_UP);
            adam.step(batches + 1, warmUp * (LAST_RATE + (1 - LAST_RATE) * (1 + Math.cos(Math.PI * share)) / 2));
            batches++;
            return measured ? OptionalDouble.of(loss) : OptionalDouble.empty();
        }
    }

    /** What a level is to predict: what the full model predicts, but for a share that goes to the text's own next token. */
    private Tensor lesson(List<int[]> ids) {
        int length = ids.get(0).length;
        try (NoGradGuard guard = new NoGradGuard()) {
            return Tensors.only(() -> {
                Tensor target = decoder.probabilities(decoder.hidden(ids, full, full, length));
                int[] next = ids.stream().flatMapToInt(sequence -> Arrays.stream(sequence).skip(1)).toArray();
                Tensor told = Tensors.indices(next).view(ids.size(), length - 1, 1);
                target.view(ids.size(), length, -1).narrow(1, 0, length - 1).mul_(Tensors.scalar(1 - text))
                        .scatter_add_(2, told, torch.full(new long[] {ids.size(), length - 1, 1}, Tensors.scalar(text)));
                return target;
            });
        }
    }

    /**
     * Adds gradients of weight · KL(target ‖ level). The gradient of the scores is known: softmax − target, so no graph is kept
     * of the output head.
     *
     * @return that divergence, or 0 if it is not asked for
     */
    private double learn(Student student, List<int[]> ids, int cut, Tensor target, double weight, boolean measured) {
        try (PointerScope turn = new PointerScope()) {
            Tensor hidden = decoder.hidden(ids, student, full, cut);
            double loss = 0;
            Tensor gradient;
            try (NoGradGuard guard = new NoGradGuard()) {
                Tensor own = decoder.probabilities(hidden.detach());
                loss = measured ? divergence(target, own) : 0;
                gradient = decoder.throughOutput(own.sub_(target).mul_(Tensors.scalar(weight / own.size(0))));
            }
            hidden.backward(gradient, new BoolOptional(), false, new TensorArrayRefOptional());
            return loss;
        }
    }

    private static double divergence(Tensor target, Tensor own) {
        try (PointerScope scope = new PointerScope()) {
            DoubleOptional zero = new DoubleOptional(0);
            Tensor ratio = target.log().sub_(own.log()).nan_to_num(zero, zero, zero);
            return ratio.mul_(target).sum().item_double() / own.size(0);
        }
    }

    /** Writes the state. */
    void save(int seconds) throws IOException {
        List<GgufWriter.Tensor> tensors = new ArrayList<>(adam.tensors());
        if (start.directions().length > 0) {
            tensors.add(FloatRows.tensor(Pack.DIRECTIONS, TensorType.F32, start.directions()));
        }
        checkpoint.write(start, tensors, new Spent(batches, seconds));
    }

    @Override
    public void close() {
        scope.close();
    }
}
