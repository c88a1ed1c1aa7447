package elms.engine;

import elms.engine.model.ModelConfig;
import elms.engine.model.SubModel;
import elms.engine.model.Weights;
import elms.engine.text.ChatTemplate;
import elms.engine.text.Tokenizer;
import java.util.Comparator;
import java.util.List;

/**
 * A model that can be run: one set of weights, its levels, and its way with text.
 *
 * @param levels largest first; the first is the full model
 */
public record ElasticModel(String name, Weights weights, List<SubModel> levels, Tokenizer tokenizer, ChatTemplate template) {
    public ElasticModel {
        levels = levels.stream().sorted(Comparator.comparingDouble(SubModel::share).reversed()).toList();
        if (levels.isEmpty() || levels.get(0).share() != 1) {
            throw new IllegalArgumentException("a model needs its full level");
        }
    }

    public ModelConfig config() {
        return weights.config();
    }

    public SubModel full() {
        return levels.get(0);
    }

    /** The level whose share is nearest to {@code share}. */
    public SubModel nearest(double share) {
        return SubModel.nearest(levels, share);
    }
}
