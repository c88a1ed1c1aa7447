package elms.eval;

import elms.engine.ElasticModel;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.engine.text.RenderedChat;
import elms.engine.text.Tokenizer;
import java.util.Arrays;
import java.util.List;

/** A random model with a level that keeps a quarter of the neurons; its chats are their first message. */
final class NanoLevels {
    private NanoLevels() {}

    static ElasticModel of(GgufFile file, Tokenizer tokenizer) {
        ModelConfig config = ModelConfig.of(file);
        Weights weights = SmolLm2.weights(file, Order.identity(config), Precision.FLOAT);
        Level small = Level.full(config);
        Arrays.fill(small.neurons(), config.neurons() / 4);
        return new ElasticModel("nano", weights, List.of(SubModel.of(weights, Level.full(config)), SubModel.of(weights, small)),
                tokenizer, messages -> new RenderedChat(messages.getFirst().content(), List.of()));
    }
}
