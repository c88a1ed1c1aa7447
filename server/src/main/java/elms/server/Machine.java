package elms.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

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

    public static String architecture() {
        return System.getProperty("os.name") + " " + System.getProperty("os.arch");
    }
}
