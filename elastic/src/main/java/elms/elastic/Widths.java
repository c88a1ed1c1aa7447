package elms.elastic;

import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.kernels.Matrix;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Width vectors of least expected loss. Each layer's attention and feed-forward block is cut alone, to a few widths; its loss is
 * taken to be the lower convex hull of what was measured, and the losses of different blocks to add up. Under a budget of weights
 * it is then best to cut first where a weight costs least.
 */
final class Widths {
    /** Neurons are kept in whole blocks of columns. */
    private static final int STEP = Matrix.BLOCK_COLUMNS;
    /** Parts of its units that a block keeps while its loss is measured. */
    static final double[] THIRDS = {2 / 3.0, 1 / 3.0, 0};
    /** The same, in less time. */
    static final double[] COARSE = {1 / 3.0, 0};

    /** Units that a block keeps, and the loss when it alone is cut to them. */
    record Point(int units, double loss) {}

    /** A stretch of a block's widths along which a weight costs the same. */
    private record Cut(int layer, boolean attention, int from, int to, double lossPerWeight) {}

    private final ModelConfig config;
    private final List<Cut> cuts = new ArrayList<>();

    /**
     * @param heads losses of each layer's attention at fewer and fewer heads
     * @param neurons losses of each layer's feed-forward block at fewer and fewer neurons
     */
    Widths(ModelConfig config, List<List<Point>> heads, List<List<Point>> neurons) {
        this.config = config;
        for (int layer = 0; layer < config.layers(); layer++) {
            addHull(layer, true, new Point(config.heads(), 0), heads.get(layer), config.headWeights());
            addHull(layer, false, new Point(config.neurons(), 0), neurons.get(layer), config.neuronWeights());
        }
        cuts.sort(Comparator.comparingDouble(Cut::lossPerWeight));
    }

    /** Measures the losses, by cutting one block after another. */
    static Widths measure(ModelConfig config, double[] kept, ToDoubleFunction<Level> loss, Progress progress) {
        List<List<Point>> heads = new ArrayList<>();
        List<List<Point>> neurons = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            progress.at("Measuring what each layer is worth", (double) layer / config.layers());
            heads.add(new ArrayList<>());
            neurons.add(new ArrayList<>());
            for (double part : kept) {
                Level fewHeads = Level.full(config);
                fewHeads.heads()[layer] = (int) Math.round(part * config.heads());
                heads.get(layer).add(new Point(fewHeads.heads()[layer], loss.applyAsDouble(fewHeads)));
                Level fewNeurons = Level.full(config);
                fewNeurons.neurons()[layer] = (int) Math.round(part * config.neurons() / STEP) * STEP;
                neurons.get(layer).add(new Point(fewNeurons.neurons()[layer], loss.applyAsDouble(fewNeurons)));
            }
        }
        return new Widths(config, heads, neurons);
    }

    /** The edges of the lower convex hull of a block's losses, from its full width down. */
    private void addHull(int layer, boolean attention, Point from, List<Point> points, double unitWeights) {
        List<Point> left = points.stream().filter(point -> point.units() < from.units()).toList();
        if (left.isEmpty()) {
            return;
        }
        Point to = left.stream().min(Comparator.comparingDouble(point -> slope(from, point))).orElseThrow();
        cuts.add(new Cut(layer, attention, from.units(), to.units(), slope(from, to) / unitWeights));
        addHull(layer, attention, to, left.stream().filter(point -> point.units() < to.units()).toList(), unitWeights);
    }

    /** Loss a unit from one width to a smaller one. */
    private static double slope(Point from, Point to) {
        return (Math.max(0, to.loss()) - Math.max(0, from.loss())) / (from.units() - to.units());
    }

    /** The best level of about a share of the decoder's weights, or the smallest: a head and a block of neurons in every layer. */
    Level of(double share) {
        Level level = Level.full(config);
        for (Cut cut : cuts) {
            int[] widths = cut.attention() ? level.heads() : level.neurons();
            int step = cut.attention() ? 1 : STEP;
            int least = Math.max(cut.to(), Math.min(step, cut.from()));
            while (widths[cut.layer()] > least && level.share(config) > share) {
                widths[cut.layer()] = Math.max(least, Math.ceilDiv(widths[cut.layer()], step) * step - step);
            }
        }
        return level;
    }
}
