package elms.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The JVM's second compiler. Kernels wait for their slowest worker, so that a compiler which takes one of two processors halves their
 * speed, for some tenths of a second in the midst of requests; and kernels in C have nothing of it.
 */
public final class CompilerThreads {
    /** Linux has a folder for each thread of a process, and in it a file with the first letters of the thread's name. */
    private static final Path THREADS = Path.of("/proc/self/task");
    private static final String COMPILER = "C2 CompilerThre";
    /** With it, a thread gets a tenth of a processor that another wants too. */
    private static final int NICE = 10;
    private static final int PRIO_PROCESS = 0;

    private CompilerThreads() {}

    /** Lets them compute where nothing else wants to, and little elsewhere; on Linux, since other systems do not tell threads apart. */
    public static void giveWay() {
        if (!Files.isDirectory(THREADS)) {
            return;
        }
        Linker linker = Linker.nativeLinker();
        MethodHandle setPriority = linker.downcallHandle(linker.defaultLookup().findOrThrow("setpriority"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
        try {
            for (int thread : found()) {
                int ignored = (int) setPriority.invokeExact(PRIO_PROCESS, thread, NICE);
            }
        } catch (Throwable e) {
            throw new IllegalStateException("setpriority cannot be called", e);
        }
    }

    static List<Integer> found() {
        try (Stream<Path> threads = Files.list(THREADS)) {
            return threads.filter(CompilerThreads::compiles).map(thread -> Integer.valueOf(thread.getFileName().toString())).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean compiles(Path thread) {
        try {
            return Files.readString(thread.resolve("comm")).strip().equals(COMPILER);
        } catch (IOException e) {
            return false; // it has ended
        }
    }
}
