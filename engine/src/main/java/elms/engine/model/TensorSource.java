package elms.engine.model;

import elms.kernels.Matrix;

/** Where packed weights come from. */
public interface TensorSource {
    Matrix matrix(TensorName name);

    /** A norm's weights. */
    float[] vector(TensorName name);

    /** What each rotary frequency is divided by, one number a pair of dimensions. */
    float[] ropeFactors();
}
