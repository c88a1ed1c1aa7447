package elms.kernels.jdk;

import elms.kernels.Kernels;
import elms.kernels.ScalarKernels;
import java.util.Locale;

/** The kernels that this JVM may be able to run, fastest first. */
public enum Provider {
    /** C, in the best instructions of the processor. */
    NATIVE,
    /** Pure Java on the Vector API. */
    VECTOR,
    /** The reference, tens of times slower; for comparison. */
    SCALAR;

    /** Starts a provider. Vector code is compiled on a thread of its own meanwhile. */
    public Kernels start(int threads) throws ProviderUnavailableException {
        switch (this) {
            case NATIVE:
                return new NativeKernels(NativeLibrary.load(), threads);
            case VECTOR:
                if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
                    throw new ProviderUnavailableException(this,
                            "the JVM was started without --add-modules=jdk.incubator.vector", null);
                }
                Thread.ofPlatform().name("elms-warm-up").daemon().start(new WarmUp());
                return new VectorKernels(threads);
            default:
                return new ScalarKernels(threads);
        }
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
