package elms.engine.model;

import elms.kernels.Adapter;
import elms.kernels.Matrix;
import java.util.Map;
import java.util.Optional;

/** Where packed weights come from. */
public interface TensorSource {
    Matrix matrix(TensorName name);

    /** A norm's weights. */
    float[] vector(TensorName name);

    /** The small output head, if there is one. */
    Optional<Screen> screen();

    /** The adapters beside a layer's matrices: at every place, or at none. */
    Map<Place, Adapter> adapters(int layer);

    /** What each rotary frequency is divided by, one number a pair of dimensions. */
    float[] ropeFactors();
}
