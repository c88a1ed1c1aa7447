package elms.eval;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** Memory of this process, in megabytes, where Linux tells it. */
public final class ProcessMemory {
    private ProcessMemory() {}

    /** What is resident now, mapped files included. */
    public static OptionalDouble residentMb() {
        return megabytes("VmRSS");
    }

    /** The most that has been. */
    public static OptionalDouble peakMb() {
        return megabytes("VmHWM");
    }

    /** The resident part that no file stands behind: Java's heap, compiled code, what {@code malloc} gave or keeps. */
    public static OptionalDouble anonymousMb() {
        return megabytes("RssAnon");
    }

    /** The resident part that is pages of files, weights and libraries: the system drops and reads them as it likes. */
    public static OptionalDouble mappedMb() {
        return megabytes("RssFile");
    }

    /**
     * Gives back to the system what loading a model has left over, on the heap and, where the C library is glibc, in what
     * {@code malloc} keeps. Stops the process for tens of milliseconds: for a process that will live on.
     */
    public static void giveBack() {
        System.gc();
        Optional<MemorySegment> trim = Linker.nativeLinker().defaultLookup().find("malloc_trim");
        if (trim.isPresent()) {
            try {
                int unused = (int) Linker.nativeLinker()
                        .downcallHandle(trim.get(), FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG))
                        .invokeExact(0L);
            } catch (Throwable e) {
                throw new AssertionError("malloc_trim cannot throw", e);
            }
        }
    }

    private static OptionalDouble megabytes(String name) {
        try {
            return megabytes(Files.readAllLines(Path.of("/proc/self/status")), name);
        } catch (IOException e) {
            return OptionalDouble.empty();
        }
    }

    /** A figure of {@code /proc/PID/status}, which is in kilobytes there. */
    static OptionalDouble megabytes(List<String> status, String name) {
        return status.stream().filter(line -> line.startsWith(name + ":"))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024).findFirst();
    }
}
