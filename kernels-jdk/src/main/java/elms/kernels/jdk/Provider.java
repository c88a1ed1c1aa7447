package elms.kernels.jdk;

import elms.kernels.Kernels;
import elms.kernels.ScalarKernels;
import java.util.Locale;
import java.util.Optional;

/** The kernels that can run in this JVM. */
public enum Provider {
    /** Pure Java on the Vector API. */
    VECTOR,
    /** The reference, tens of times slower; for comparison. */
    SCALAR;

    /** Why a provider cannot run here; empty if it can. */
    public Optional<String> obstacle() {
        if (this == VECTOR && ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return Optional.of("the JVM was started without --add-modules jdk.incubator.vector");
        }
        return Optional.empty();
    }

    /**
     * Starts a provider.
     *
     * @throws IllegalStateException if it cannot run here
     */
    public Kernels start(int threads) {
        obstacle().ifPresent(obstacle -> {
            throw new IllegalStateException("the " + this + " kernels cannot run, since " + obstacle);
        });
        return switch (this) {
            case VECTOR -> new VectorKernels(threads);
            case SCALAR -> new ScalarKernels(threads);
        };
    }

    /** Has this provider's code compiled on a thread of its own, while a model is loaded. */
    public void warmUpInBackground() {
        if (this == VECTOR) {
            Thread.ofPlatform().name("elms-warm-up").daemon().start(new WarmUp());
        }
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
