package elms.langchain4j;

import elms.engine.ElasticModel;
import elms.engine.NanoModel;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.engine.text.Message;
import elms.engine.text.RenderedChat;
import elms.kernels.Kernels;
import elms.kernels.jdk.VectorKernels;
import elms.planner.LatencyModel;
import elms.planner.Settling;
import elms.service.AppProfile;
import elms.service.Binding;
import elms.service.ElmsService;
import elms.text.GgufTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** An app that is bound to a service with a small random model. */
final class NanoBinding implements AutoCloseable {
    private final Kernels kernels = new VectorKernels(1);
    private final ElmsService service;

    NanoBinding() throws IOException {
        Path folder = Files.createTempDirectory("elms-langchain4j-");
        Path written = NanoModel.CHAT.write(folder);
        try (GgufFile file = GgufFile.open(written)) {
            ModelConfig config = ModelConfig.of(file);
            Weights weights = Weights.of(config, Order.identity(config),
                    new WeightPacker(file, config, Order.identity(config), Precision.PACKED));
            ElasticModel model = new ElasticModel("nano", weights, List.of(SubModel.of(weights, Level.full(config))),
                    new GgufTokenizer(file.metadata()), messages -> new RenderedChat(
                            messages.stream().map(Message::content).collect(Collectors.joining("\n")), List.of()));
            service = ElmsService.open(model, kernels, new LatencyModel(new double[] {0, 0, 1, 0, 0}, new double[] {0, 1, 0, 0}, 1,
                    1, Settling.NONE));
        } finally {
            Files.delete(written);
            Files.delete(folder);
        }
    }

    Binding bind(String app) {
        return service.bind(AppProfile.of(app));
    }

    @Override
    public void close() {
        service.close();
        kernels.close();
    }
}
