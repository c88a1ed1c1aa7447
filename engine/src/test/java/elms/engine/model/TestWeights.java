package elms.engine.model;

import elms.kernels.Form;
import elms.kernels.Matrix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Orders and weights that tests compare levels with. */
public final class TestWeights {
    private TestWeights() {}

    /** Every unit in a random place, heads across their groups too. */
    public static Order shuffled(ModelConfig config, long seed) {
        Order order = Order.identity(config);
        Random random = new Random(seed);
        for (int[][] units : List.of(order.heads(), order.neurons())) {
            for (int layer = 0; layer < units.length; layer++) {
                List<Integer> boxed = Arrays.asList(Arrays.stream(units[layer]).boxed().toArray(Integer[]::new));
                Collections.shuffle(boxed, random);
                units[layer] = boxed.stream().mapToInt(Integer::intValue).toArray();
            }
        }
        return order;
    }

    /** The same weights as floats, with zeros in the columns that read units beyond the level. */
    public static Weights masked(Weights weights, Level level) {
        List<Weights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < weights.layers().size(); i++) {
            Weights.Layer layer = weights.layers().get(i);
            layers.add(new Weights.Layer(layer.attentionNorm(), layer.q(), layer.k(), layer.v(),
                    withoutColumns(layer.o(), level.heads()[i] * weights.config().headDim()), layer.feedForwardNorm(), layer.gate(),
                    layer.up(), withoutColumns(layer.down(), level.neurons()[i]), layer.adapters()));
        }
        return new Weights(weights.config(), weights.order(), weights.embedding(), layers, weights.outputNorm(), weights.output(),
                weights.screen(), weights.ropeFrequencies());
    }

    private static Matrix withoutColumns(Matrix matrix, int from) {
        if (matrix.form() != Form.F32) {
            throw new IllegalArgumentException("only floats can be masked here");
        }
        ByteBuffer copy = ByteBuffer.allocateDirect(matrix.data().capacity()).order(ByteOrder.LITTLE_ENDIAN);
        copy.put(matrix.data().duplicate()).flip();
        for (int panel = 0; panel < matrix.panels(); panel++) {
            for (int i = from * Matrix.PANEL_ROWS; i < matrix.columns() * Matrix.PANEL_ROWS; i++) {
                copy.putFloat(panel * matrix.panelBytes() + 4 * i, 0);
            }
        }
        return new Matrix(matrix.form(), matrix.rows(), matrix.columns(), matrix.panelBlocks(), copy);
    }
}
