package elms.elastic.recovery;

import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Place;
import elms.engine.model.Tuning;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * How the layers run at one level.
 *
 * @param heads kept in each layer
 * @param neurons kept in each layer
 * @param learnt what the level trains; absent in the full model
 */
record Student(int[] heads, int[] neurons, Optional<Learnt> learnt) {
    /**
     * What a level trains.
     *
     * @param rank of the shared adapters that it uses
     * @param adapters of each layer, shared with the other levels
     * @param rows of {@link Tuning#ROWS}: its own norms and biases, one row a layer
     */
    record Learnt(int rank, List<Map<Place, Pair>> adapters, Map<String, Tensor> rows) {}

    /** An adapter: rank rows by what it reads, rank rows of the model's width. */
    record Pair(Tensor down, Tensor up) {}

    static Student full(ModelConfig config) {
        Level full = Level.full(config);
        return new Student(full.heads(), full.neurons(), Optional.empty());
    }

    /**
     * All levels of a pack.
     *
     * @param trained the tensor of each name in the file
     */
    static List<Student> of(List<Level> levels, ModelConfig config, Function<String, Tensor> trained) {
        boolean adapted = levels.stream().anyMatch(level -> level.rank() > 0);
        List<Map<Place, Pair>> adapters = IntStream.range(0, adapted ? config.layers() : 0).mapToObj(layer -> {
            Map<Place, Pair> places = new EnumMap<>(Place.class);
            for (Place place : Place.values()) {
                places.put(place, new Pair(trained.apply(place.down(layer)), trained.apply(place.up(layer))));
            }
            return places;
        }).toList();
        return IntStream.range(0, levels.size()).mapToObj(i -> {
            Map<String, Tensor> rows = new HashMap<>();
            Tuning.ROWS.forEach(name -> rows.put(name, trained.apply(Tuning.name(i, name))));
            Level level = levels.get(i);
            return new Student(level.heads(), level.neurons(), Optional.of(new Learnt(level.rank(), adapters, rows)));
        }).toList();
    }

    /** Its own row of a kind, or the model's. */
    Tensor row(String kind, int layer, Tensor otherwise) {
        return learnt.map(own -> own.rows().get(kind).select(0, layer)).orElse(otherwise);
    }

    /** x plus the biases of a kind, if it has any. */
    Tensor biased(String kind, int layer, Tensor x) {
        return learnt.map(own -> x.add(own.rows().get(kind).select(0, layer))).orElse(x);
    }

    /** x plus what the adapter of a place adds: up · down · input. */
    Tensor adapted(Place place, int layer, Tensor input, Tensor x) {
        return learnt.filter(own -> own.rank() > 0).map(own -> {
            Pair pair = own.adapters().get(layer).get(place);
            Tensor down = pair.down().narrow(0, 0, own.rank()).narrow(1, 0, input.size(-1)).to(input.scalar_type());
            Tensor up = pair.up().narrow(0, 0, own.rank()).to(input.scalar_type());
            return x.add(input.matmul(down.t()).matmul(up));
        }).orElse(x);
    }
}
