package elms.eval.baseline;

import elms.elastic.Calibration;
import elms.elastic.Corpus;
import elms.engine.ElasticModel;
import elms.kernels.Kernels;
import java.util.Arrays;
import java.util.List;

/** Ways to shrink a model without training, which levels are compared with. */
public final class Baselines {
    private static final int TEXTS = 5;

    private Baselines() {}

    /** Three choices of whole layers to leave out, made on passages of the books that come with Elms. */
    public static List<LayerChoice> of(ElasticModel model, Kernels kernels) {
        List<int[]> texts = new Corpus(model.tokenizer(), model.template()).shipped().stream()
                .filter(document -> document.length >= Calibration.LENGTH).limit(TEXTS)
                .map(document -> Arrays.copyOf(document, Calibration.LENGTH)).toList();
        return List.of(RankedLayers.byLeaveOneOut(model.weights(), kernels, texts),
                RankedLayers.byBlockInfluence(model.weights(), kernels, texts),
                new CollapsedLayers(model.weights(), kernels, texts));
    }
}
