package elms.elastic.torch;

import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorInfo;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** What is trained, by its name in a file, and its optimizer (Kingma and Ba, arXiv 1412.6980), on gradients of norm at most one. */
public final class Adam {
    /** How much of a moment stays at a step. */
    private static final double FIRST = 0.9;
    private static final double SECOND = 0.95;
    private static final double LEAST = 1e-8;
    private static final String FIRST_SUFFIX = ".m";
    private static final String SECOND_SUFFIX = ".v";

    /** A tensor, and running means of its gradient and of the gradient's square. */
    private record Parameter(Tensor value, Tensor first, Tensor second) {}

    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final ToDoubleFunction<String> rate;

    /**
     * @param rate learning rate of a parameter, by its name
     */
    public Adam(ToDoubleFunction<String> rate) {
        this.rate = rate;
    }

    /** Trains tensors of a state, with the moments that stand beside them; they belong to the present scope. */
    public void read(GgufFile state, Predicate<String> trained) {
        for (TensorInfo info : state.tensors().values()) {
            String name = info.name();
            if (trained.test(name) && !name.endsWith(FIRST_SUFFIX) && !name.endsWith(SECOND_SUFFIX)) {
                parameters.put(name, new Parameter(Tensors.read(state, info).set_requires_grad(true),
                        moment(state, name + FIRST_SUFFIX, info), moment(state, name + SECOND_SUFFIX, info)));
            }
        }
    }

    /** Trains one more tensor, which nothing is known of yet; it belongs to the present scope. */
    public Tensor add(String name, Tensor value) {
        Tensor trained = value.set_requires_grad(true);
        parameters.put(name, new Parameter(trained, torch.zeros_like(value), torch.zeros_like(value)));
        return trained;
    }

    private static Tensor moment(GgufFile state, String name, TensorInfo of) {
        return state.find(name).map(info -> Tensors.read(state, info)).orElseGet(() -> torch.zeros(of.rows(), of.columns()));
    }

    public Tensor value(String name) {
        return parameters.get(name).value();
    }

    /** What is trained, in the order in which it was added. */
    public Set<String> names() {
        return Collections.unmodifiableSet(parameters.keySet());
    }

    /** Everything, to write. */
    public List<GgufWriter.Tensor> tensors() {
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
     * @param share of the learning rates
     */
    public void step(int count, double share) {
        try (PointerScope scope = new PointerScope(); NoGradGuard guard = new NoGradGuard()) {
            double norm = Math.sqrt(parameters.values().stream().map(parameter -> parameter.value().grad()).filter(Tensor::defined)
                    .mapToDouble(gradient -> gradient.square().sum().item_double()).sum());
            double scale = Math.min(1, 1 / (norm + 1e-6));
            parameters.forEach((name, parameter) -> {
                if (parameter.value().grad().defined()) {
                    step(parameter, scale, count, rate.applyAsDouble(name) * share);
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
