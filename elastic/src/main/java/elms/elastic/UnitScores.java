package elms.elastic;

import elms.engine.model.Order;
import java.util.Comparator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * How much every unit matters: the larger, the more. Only units of one layer and kind can be compared.
 *
 * @param heads a number for each query head of each layer
 * @param neurons a number for each neuron of each layer
 */
public record UnitScores(double[][] heads, double[][] neurons) {
    /** Units of every layer, most important first. */
    Order order() {
        return new Order(mostFirst(heads), mostFirst(neurons));
    }

    private static int[][] mostFirst(double[][] layers) {
        return Stream.of(layers).map(scores -> IntStream.range(0, scores.length).boxed()
                .sorted(Comparator.comparingDouble(i -> -scores[i])).mapToInt(Integer::intValue).toArray()).toArray(int[][]::new);
    }
}
