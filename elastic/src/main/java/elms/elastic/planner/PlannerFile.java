package elms.elastic.planner;

import elms.engine.gguf.FloatRows;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorType;
import elms.engine.gguf.Value;
import elms.planner.Decision;
import elms.planner.compact.CompactWeights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A compact language model as a pack carries it.
 *
 * @param trained every matrix, norm and bias by its name, one row an output
 */
record PlannerFile(Words words, float[][] positions, Map<String, float[][]> trained) {
    /** With a decision head that thinks nothing. */
    static PlannerFile undecided(Words words, float[][] positions, Map<String, float[][]> trained) {
        Map<String, float[][]> all = new LinkedHashMap<>(trained);
        all.put(CompactWeights.DECISION_HIDDEN + ".weight", new float[DecisionTraining.HIDDEN][2 * MiniLm.WIDTH]);
        all.put(CompactWeights.DECISION_HIDDEN + ".bias", new float[1][DecisionTraining.HIDDEN]);
        all.put(CompactWeights.DECISION + ".weight", new float[Decision.OUTPUTS][DecisionTraining.HIDDEN]);
        all.put(CompactWeights.DECISION + ".bias", new float[1][Decision.OUTPUTS]);
        return new PlannerFile(words, positions, all);
    }

    /** What was written before, by itself or in a pack. */
    static PlannerFile read(GgufFile file) {
        String[] vocabulary = file.metadata().required(CompactWeights.VOCABULARY, file.metadata().strings(CompactWeights.VOCABULARY));
        Map<String, float[][]> trained = new LinkedHashMap<>();
        file.tensors().values().stream().filter(info -> CompactWeights.isPart(info.name()))
                .forEach(info -> trained.put(info.name(), FloatRows.read(file, info)));
        Words words = new Words(vocabulary, trained.remove(CompactWeights.WORDS));
        return new PlannerFile(words, trained.remove(CompactWeights.POSITIONS), trained);
    }

    PlannerFile with(Map<String, float[][]> others) {
        Map<String, float[][]> all = new LinkedHashMap<>(trained);
        all.putAll(others);
        return new PlannerFile(words, positions, all);
    }

    Map<String, Value> metadata() {
        return Map.of(CompactWeights.VOCABULARY, Value.of(words.vocabulary()), CompactWeights.HEADS, Value.uint32(MiniLm.HEADS));
    }

    List<GgufWriter.Tensor> tensors() {
        List<GgufWriter.Tensor> tensors = new ArrayList<>();
        tensors.add(FloatRows.tensor(CompactWeights.WORDS, TensorType.Q4_1, words.embedding()));
        tensors.add(FloatRows.tensor(CompactWeights.POSITIONS, TensorType.F16, positions));
        trained.forEach((name, rows) -> tensors.add(FloatRows.tensor(name, rows.length > 2 ? TensorType.Q8_0 : TensorType.F32, rows)));
        return tensors;
    }
}
