package elms.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What this machine is. */
public final class Machine {
    private Machine() {}

    /** Name of the processor, as far as the system tells it. */
    public static String processor() {
        try {
            return Files.readAllLines(Path.of("/proc/cpuinfo")).stream().filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip()).findFirst().orElse(architecture());
        } catch (IOException e) {
            return architecture();
        }
    }

    /** Processors to compute on: physical cores, as far as a container may use them. */
    public static int cores() {
        int allowed = Runtime.getRuntime().availableProcessors();
        try (Stream<Path> processors = Files.list(Path.of("/sys/devices/system/cpu"))) {
            long physical = processors.map(processor -> processor.resolve("topology/thread_siblings_list")).filter(Files::exists)
                    .map(Machine::read).distinct().count();
            return physical == 0 ? allowed : (int) Math.min(allowed, physical);
        } catch (IOException | UncheckedIOException e) {
            return allowed;
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static String architecture() {
        return System.getProperty("os.name") + " " + System.getProperty("os.arch");
    }
}
