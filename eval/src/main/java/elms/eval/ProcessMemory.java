package elms.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;

/** Memory of this process, mapped files included, in megabytes, where Linux tells it. */
public final class ProcessMemory {
    private ProcessMemory() {}

    /** What is resident now. */
    public static OptionalDouble residentMb() {
        return megabytes("VmRSS");
    }

    /** The most that has been. */
    public static OptionalDouble peakMb() {
        return megabytes("VmHWM");
    }

    private static OptionalDouble megabytes(String name) {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith(name))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024).findFirst();
        } catch (IOException e) {
            return OptionalDouble.empty();
        }
    }
}
