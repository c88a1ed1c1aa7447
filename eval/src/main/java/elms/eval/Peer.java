package elms.eval;

import elms.engine.ElmsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * llama.cpp as programs in a folder: {@code quantize IN OUT FORMAT}, and what is measured, {@code bench}, a {@link BenchProgram},
 * or {@code llama-server}.
 */
public final class Peer {
    private static final Format FASTEST = Format.Q4_0;

    private final Path measured;
    private final Path quantize;

    private Peer(Path folder, String measured) {
        this.measured = program(folder, measured, measured);
        quantize = program(folder, "quantize", measured);
    }

    /** To be measured by its {@code bench}; throws {@link ElmsException} if a program is missing. */
    public static Peer bench(Path folder) {
        return new Peer(folder, "bench");
    }

    /** To be measured as a server; throws {@link ElmsException} if a program is missing. */
    public static Peer server(Path folder) {
        return new Peer(folder, "llama-server");
    }

    private static Path program(Path folder, String name, String measured) {
        Path program = folder.resolve(name).toAbsolutePath();
        if (!Files.isRegularFile(program) || !Files.isExecutable(program)) {
            throw new ElmsException("there is no program '" + name + "' in " + folder
                    + "; --against needs a folder with llama.cpp's " + measured + " and quantize, see docs/benchmarks.md");
        }
        return program;
    }

    public BenchProgram program() {
        return new BenchProgram(List.of(measured.toString()), Map.of());
    }

    /**
     * The server on a model.
     *
     * @param file of the model
     */
    public PeerServer serving(Path file, int threads) {
        return new PeerServer(measured, file, threads);
    }

    /** As {@link #inFormat}, in the format that llama.cpp is fastest in. */
    public Path inFastestFormat(Path file, Path folder) {
        return inFormat(file, FASTEST, folder);
    }

    /** A file with the same weights in a format: {@code file} itself if it is one, else a new one in {@code folder}. */
    public Path inFormat(Path file, Format format, Path folder) {
        if (format.isThatOf(file)) {
            return file;
        }
        Path quantized = folder.resolve(format.argument() + ".gguf");
        Subprocess.run(List.of(quantize.toString()), Map.of(), file.toString(), quantized.toString(), format.argument());
        if (!Files.isRegularFile(quantized)) {
            throw new ElmsException(quantize + " made no file of the format " + format);
        }
        return quantized;
    }
}
