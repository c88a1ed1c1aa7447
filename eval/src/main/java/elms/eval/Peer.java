package elms.eval;

import elms.engine.ElmsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** llama.cpp as two programs in a folder: {@code bench}, a {@link BenchProgram}, and {@code quantize IN OUT FORMAT}. */
public final class Peer {
    private final Path bench;
    private final Path quantize;

    /** Throws {@link ElmsException} if a program is missing. */
    public Peer(Path folder) {
        bench = program(folder, "bench");
        quantize = program(folder, "quantize");
    }

    private static Path program(Path folder, String name) {
        Path program = folder.resolve(name).toAbsolutePath();
        if (!Files.isRegularFile(program) || !Files.isExecutable(program)) {
            throw new ElmsException("there is no program '" + name + "' in " + folder
                    + "; --against needs a folder with llama.cpp's bench and quantize, see docs/benchmarks.md");
        }
        return program;
    }

    public BenchProgram bench() {
        return new BenchProgram(List.of(bench.toString()), Map.of());
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
