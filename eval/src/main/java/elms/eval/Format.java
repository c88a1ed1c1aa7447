package elms.eval;

import elms.engine.gguf.GgufFile;
import java.nio.file.Path;
import java.util.Locale;

/** A quantization that most matrices of a GGUF file share. */
public enum Format {
    Q4_0(2),
    Q4_1(3),
    Q8_0(7);

    private final int fileType;

    /**
     * @param fileType number of the format under general.file_type
     */
    Format(int fileType) {
        this.fileType = fileType;
    }

    boolean isThatOf(Path file) {
        try (GgufFile gguf = GgufFile.open(file)) {
            return gguf.metadata().integer("general.file_type", 0, Integer.MAX_VALUE).filter(type -> type == fileType).isPresent();
        }
    }

    String argument() {
        return name().toLowerCase(Locale.ROOT);
    }
}
