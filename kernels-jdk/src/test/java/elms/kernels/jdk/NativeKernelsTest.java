package elms.kernels.jdk;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Nested;

/** Every tier; one that this processor does not have is skipped, and the report says so. */
class NativeKernelsTest {
    /**
     * Weights and activations have 8 bits, so each product is off by 2⁻⁸ at most, and a sum by more where the largest of them cancel each
     * other. The tests of the C code know what each is rounded to, and ask for the last bits.
     */
    private static final float BFLOAT16 = 0x1p-4f;

    @Nested
    class Amx extends KernelsParityTest {
        Amx() {
            super(NativeKernelsTest.start("amx").forPrompts(), BFLOAT16);
        }
    }

    @Nested
    class Avx512Vnni extends KernelsParityTest {
        Avx512Vnni() {
            super(NativeKernelsTest.start("avx512vnni"));
        }
    }

    @Nested
    class AvxVnni extends KernelsParityTest {
        AvxVnni() {
            super(NativeKernelsTest.start("avxvnni"));
        }
    }

    @Nested
    class Avx2 extends KernelsParityTest {
        Avx2() {
            super(NativeKernelsTest.start("avx2"));
        }
    }

    @Nested
    class DotProd extends KernelsParityTest {
        DotProd() {
            super(NativeKernelsTest.start("dotprod"));
        }
    }

    @Nested
    class I8mm extends KernelsParityTest {
        I8mm() {
            super(NativeKernelsTest.start("i8mm"));
        }
    }

    private static NativeKernels start(String tier) {
        try {
            return new NativeKernels(NativeLibrary.load(tier), 2);
        } catch (ProviderUnavailableException e) {
            return Assumptions.abort(e.getMessage());
        }
    }
}
