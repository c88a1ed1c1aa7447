package elms.engine.model;

import elms.kernels.Matrix;
import java.util.Optional;

/** Where packed weights come from. */
public interface TensorSource {
    Matrix matrix(TensorName name);

    /** A norm's weights. */
    float[] vector(TensorName name);

    /** The small output head, if there is one. */
    Optional<Screen> screen();

    /** What each rotary frequency is divided by, one number a pair of dimensions. */
    float[] ropeFactors();
}
