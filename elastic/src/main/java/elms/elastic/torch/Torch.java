package elms.elastic.torch;

import elms.engine.ElmsException;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * PyTorch, loaded. Its threads spin while they wait, unless the environment variable {@code OMP_WAIT_POLICY} is
 * {@code passive} when the process starts; beside another busy program that is an order of magnitude faster.
 *
 * @param type what it multiplies matrices in: bfloat16 where the processor has instructions for it, else float
 */
public record Torch(ScalarType type) {
    /** Rows, inner size and columns of the product that decides. */
    private static final long[] TRIAL = {256, 512, 2048};
    private static final int TRIALS = 3;

    /**
     * Loads the native libraries, and sees which numbers they multiply faster.
     *
     * @throws ElmsException if they are not on the class path
     */
    public static Torch start(int threads) {
        load(threads);
        return new Torch(seconds(ScalarType.BFloat16) < seconds(ScalarType.Float) ? ScalarType.BFloat16 : ScalarType.Float);
    }

    /** As {@link #start}, in floats on every processor. */
    public static Torch exact(int threads) {
        load(threads);
        return new Torch(ScalarType.Float);
    }

    /** What it multiplies in, for people. */
    public String numbers() {
        return type == ScalarType.Float ? "floats" : "bfloat16";
    }

    /** Whether the native libraries are on the class path. */
    public static boolean isThere() {
        try {
            load(1);
            return true;
        } catch (ElmsException e) {
            return false;
        }
    }

    private static void load(int threads) {
        // JavaCPP would stop at twice the heap's size; memory is checked beforehand instead.
        setIfAbsent("org.bytedeco.javacpp.maxbytes");
        setIfAbsent("org.bytedeco.javacpp.maxphysicalbytes");
        try {
            Loader.load(torch.class);
            torch.set_num_threads(threads);
        } catch (UnsatisfiedLinkError | NoClassDefFoundError e) {
            throw new ElmsException("training needs PyTorch's libraries for " + Loader.getPlatform() + ", which are not on the class path;"
                    + " add pytorch 2.7.1-1.5.12, openblas 0.3.30-1.5.12 and javacpp 1.5.12 of org.bytedeco with that classifier, or, if"
                    + " there are none, use --budget 0", e);
        }
    }

    private static void setIfAbsent(String property) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, "0");
        }
    }

    private static double seconds(ScalarType type) {
        double least = Double.MAX_VALUE;
        for (int i = 0; i < TRIALS; i++) {
            try (PointerScope scope = new PointerScope()) {
                Tensor a = torch.randn(TRIAL[0], TRIAL[1]).to(type);
                Tensor b = torch.randn(TRIAL[2], TRIAL[1]).to(type);
                long start = System.nanoTime();
                torch.mm(a, b.t());
                least = Math.min(least, (System.nanoTime() - start) * 1e-9);
            }
        }
        return least;
    }
}
