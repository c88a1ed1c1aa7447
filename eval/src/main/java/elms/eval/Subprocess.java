package elms.eval;

import elms.engine.ElmsException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Runs a program to its end. */
final class Subprocess {
    /**
     * Linux counts the memory of the process that starts a program into the program's peak (ru_maxrss outlives exec). A shell
     * in between, which starts it by a fork because it has something left to do, keeps this JVM's memory out of it.
     */
    private static final List<String> FORK = List.of("/bin/sh", "-c", "\"$@\"; exit $?", "sh");

    private Subprocess() {}

    /** What the program printed to standard output; throws {@link ElmsException} with its last words if it failed. */
    static String run(List<String> command, Map<String, String> environment, String... arguments) {
        List<String> all = new ArrayList<>(FORK);
        all.addAll(command);
        all.addAll(List.of(arguments));
        try {
            Path errors = Files.createTempFile("elms-", ".log");
            try {
                ProcessBuilder builder = new ProcessBuilder(all).redirectError(errors.toFile());
                builder.environment().putAll(environment);
                Process process = builder.start();
                process.getOutputStream().close();
                String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                int exitCode = process.waitFor();
                if (exitCode != 0) {
                    throw new ElmsException(command.getFirst() + " failed with exit code " + exitCode + lastLine(errors));
                }
                return printed;
            } finally {
                Files.delete(errors);
            }
        } catch (IOException e) {
            throw new ElmsException(command.getFirst() + " cannot be run: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ElmsException(command.getFirst() + " was interrupted", e);
        }
    }

    /** What a program said last, behind a colon; empty if it said nothing. */
    static String lastLine(Path log) throws IOException {
        String text = new String(Files.readAllBytes(log), StandardCharsets.UTF_8).strip();
        return text.isEmpty() ? "" : ": " + text.substring(text.lastIndexOf('\n') + 1);
    }
}
