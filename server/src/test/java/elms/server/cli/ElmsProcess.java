package elms.server.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs the command line in a JVM of its own, as the launcher does. */
final class ElmsProcess {
    /** What a run gave. */
    record Result(int exitCode, String out, String err) {
        /** What it said, without the lines about kernels and the JVM's own warnings. */
        List<String> said() {
            return err.lines().filter(line -> !line.matches("(elms: (kernels: |the native kernels )|WARNING: ).*")).toList();
        }
    }

    private final Path home;
    private final List<String> flags;

    /**
     * @param flags for the JVM
     */
    ElmsProcess(Path home, String... flags) {
        this.home = home;
        this.flags = List.of(flags);
    }

    Result run(byte[] input, String... arguments) throws IOException, InterruptedException {
        Path out = Files.createTempFile("elms", "out");
        Path err = Files.createTempFile("elms", "err");
        Process process = builder(arguments).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        try (var stdin = process.getOutputStream()) {
            new ByteArrayInputStream(input).transferTo(stdin);
        } catch (IOException e) {
            // A program that refuses its arguments does not read its input.
        }
        if (!process.waitFor(2, TimeUnit.MINUTES)) {
            process.destroyForcibly();
            throw new IllegalStateException("elms " + String.join(" ", arguments) + " did not end");
        }
        Result result = new Result(process.exitValue(), read(out), read(err));
        Files.delete(out);
        Files.delete(err);
        return result;
    }

    /** Starts a program that runs until it is stopped. */
    Process start(String... arguments) throws IOException {
        return builder(arguments).start();
    }

    private ProcessBuilder builder(String... arguments) {
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java",
                "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xmx1g",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(1, flags);
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("ELMS_HOME", home.toString());
        builder.environment().put("HF_ENDPOINT", "http://127.0.0.1:1");
        return builder;
    }

    Result run(String... arguments) throws IOException, InterruptedException {
        return run(new byte[0], arguments);
    }

    private static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }
}
