package elms.elastic.recovery;

import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** What is trained, by its name in a file, and its optimizer (Kingma and Ba, arXiv 1412.6980), on gradients of norm at most one. */
final class Adam {
    private static final double ADAPTER_RATE = 2e-3;
    private static final double ROWS_RATE = 1e-3;
    /** How much of a moment stays at a step. */
    private static final double FIRST = 0.9;
    private static final double SECOND = 0.95;
    private static final double LEAST = 1e-8;
    private static final String ADAPTERS = "blk.";
    private static final String FIRST_SUFFIX = ".m";
    private static final String SECOND_SUFFIX = ".v";

    /** A tensor, and running means of its gradient and of the gradient's square. */
    private record Parameter(Tensor value, Tensor first, Tensor second) {}

    private final Map<String, Parameter> parameters = new LinkedHashMap<>();

    /** Reads a state; belongs to the present scope. */
    Adam(GgufFile state) {
        for (TensorInfo info : state.tensors().values()) {
            String name = info.name();
            if ((name.startsWith(ADAPTERS) || name.startsWith("level.")) && !name.endsWith(FIRST_SUFFIX) && !name.endsWith(SECOND_SUFFIX)) {
                parameters.put(name, new Parameter(Tensors.read(state, info).set_requires_grad(true),
                        moment(state, name + FIRST_SUFFIX, info), moment(state, name + SECOND_SUFFIX, info)));
            }
        }
    }

    private static Tensor moment(GgufFile state, String name, TensorInfo of) {
        return state.find(name).map(info -> Tensors.read(state, info)).orElseGet(() -> torch.zeros(of.rows(), of.columns()));
    }

    Tensor value(String name) {
        return parameters.get(name).value();
    }

    /** Everything, to write. */
    List<GgufWriter.Tensor> tensors() {
        List<GgufWriter.Tensor> tensors = new ArrayList<>();
        parameters.forEach((name, parameter) -> {
            tensors.add(Tensors.file(name, parameter.value()));
            tensors.add(Tensors.file(name + FIRST_SUFFIX, parameter.first()));
            tensors.add(Tensors.file(name + SECOND_SUFFIX, parameter.second()));
        });
        return tensors;
    }

    /**
     * Goes down the gradients, and forgets them. What has none stays as it is.
     *
     * @param count steps so far, this one included
     * @param rate share of the learning rates
     */
    void step(int count, double rate) {
        try (PointerScope scope = new PointerScope(); NoGradGuard guard = new NoGradGuard()) {
            double norm = Math.sqrt(parameters.values().stream().map(parameter -> parameter.value().grad()).filter(Tensor::defined)
                    .mapToDouble(gradient -> gradient.square().sum().item_double()).sum());
            double scale = Math.min(1, 1 / (norm + 1e-6));
            parameters.forEach((name, parameter) -> {
                if (parameter.value().grad().defined()) {
                    step(parameter, scale, count, (name.startsWith(ADAPTERS) ? ADAPTER_RATE : ROWS_RATE) * rate);
                }
            });
        }
    }

    private static void step(Parameter parameter, double scale, int count, double rate) {
        try (PointerScope scope = new PointerScope()) {
            Tensor gradient = parameter.value().grad().mul(Tensors.scalar(scale));
            parameter.first().mul_(Tensors.scalar(FIRST)).add_(gradient, Tensors.scalar(1 - FIRST));
            parameter.second().mul_(Tensors.scalar(SECOND)).addcmul_(gradient, gradient, Tensors.scalar(1 - SECOND));
            Tensor mean = parameter.first().div(Tensors.scalar(1 - Math.pow(FIRST, count)));
            Tensor deviation = parameter.second().div(Tensors.scalar(1 - Math.pow(SECOND, count))).sqrt().add_(Tensors.scalar(LEAST));
            parameter.value().sub_(mean.div_(deviation), Tensors.scalar(rate));
            parameter.value().mutable_grad().reset();
        }
    }
}
