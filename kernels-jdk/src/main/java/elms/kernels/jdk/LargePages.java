package elms.kernels.jdk;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;

/**
 * Asks Linux to keep mapped files in pages of two megabytes: weights are read from end to end, and every page of four kilobytes costs a
 * look-up of its address. Elsewhere, and where a file system cannot, nothing changes.
 */
final class LargePages {
    /** MADV_HUGEPAGE of Linux. */
    private static final int ADVICE = 14;

    private LargePages() {}

    /**
     * @param mapped from the beginning of a mapping on
     */
    static void ask(ByteBuffer mapped) {
        if (!System.getProperty("os.name").equals("Linux")) {
            return;
        }
        Linker linker = Linker.nativeLinker();
        MethodHandle advise = linker.downcallHandle(linker.defaultLookup().findOrThrow("madvise"), FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
        MemorySegment bytes = MemorySegment.ofBuffer(mapped);
        try {
            int refused = (int) advise.invokeExact(bytes, bytes.byteSize(), ADVICE);
        } catch (Throwable e) {
            throw new IllegalStateException("the C library cannot be called", e);
        }
    }
}
