package elms.service;

import elms.engine.ElasticModel;
import elms.engine.NanoModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Sampler;
import elms.engine.decode.Sampling;
import elms.engine.decode.TextStream;
import elms.engine.decode.Transformer;
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
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** A small random model of three levels, and the plain engine on it. Answers are noise, the same at every run. */
final class NanoService implements AutoCloseable {
    /** A time is a number of million weights: far below a millisecond for every prompt. */
    static final LatencyModel LATENCY = new LatencyModel(new double[] {0, 0, 1, 0, 0}, new double[] {0, 1, 0, 0}, 1, 1, Settling.NONE);

    private final Kernels kernels = new VectorKernels(2);
    private final Kernels plainKernels = new VectorKernels(1);
    private final Transformer plain;
    private final ElasticModel model;

    NanoService(Path folder) {
        try (GgufFile file = GgufFile.open(NanoModel.CHAT.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Weights weights = Weights.of(config, Order.identity(config),
                    new WeightPacker(file, config, Order.identity(config), Precision.PACKED));
            List<SubModel> levels = List.of(SubModel.of(weights, Level.full(config)), level(weights, 64), level(weights, 32));
            model = new ElasticModel("nano", weights, levels, new ByteTokenizer(), messages -> new RenderedChat(
                    messages.stream().map(Message::content).collect(Collectors.joining("\n")), List.of()));
            plain = new Transformer(weights, plainKernels);
        }
    }

    private static SubModel level(Weights weights, int neurons) {
        Level level = Level.full(weights.config());
        Arrays.fill(level.neurons(), neurons);
        return SubModel.of(weights, level);
    }

    ElmsService open(Settings settings) {
        return ElmsService.open(model, kernels, LATENCY, settings);
    }

    ElasticModel model() {
        return model;
    }

    Transformer transformer() {
        return plain;
    }

    /** Pages that caches of the services hold. */
    int pagesInUse() {
        return kernels.pagesInUse();
    }

    /** What the engine answers greedily without any service. */
    synchronized String plainText(String prompt, SubModel reader, SubModel answerer, int tokens) {
        TextStream stream = new TextStream(List.of());
        StringBuilder text = new StringBuilder();
        int[] ids = model.tokenizer().encode(prompt).ids();
        try (KvCache cache = plain.newCache(ids.length + tokens)) {
            plain.read(ids, reader, cache);
            Sampler sampler = new Sampler(Sampling.GREEDY);
            for (int i = 0; i < tokens; i++) {
                int token = sampler.next(plain.candidates(), answerer.share() < 1);
                if (model.tokenizer().endsAnswer(token)) {
                    break;
                }
                text.append(stream.push(model.tokenizer().bytes(token)));
                plain.step(token, answerer, cache);
            }
        }
        return text.append(stream.finish()).toString();
    }

    @Override
    public void close() {
        kernels.close();
        plainKernels.close();
    }
}
