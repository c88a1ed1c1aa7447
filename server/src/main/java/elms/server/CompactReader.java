package elms.server;

import elms.engine.gguf.GgufFile;
import elms.engine.text.Range;
import elms.kernels.Kernels;
import elms.planner.compact.CompactLm;
import elms.planner.compact.CompactWeights;
import elms.planner.compact.Opinion;
import elms.planner.compact.PromptReader;
import elms.text.WordPieceTokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The compact language model that a pack carries. It is loaded when it is first asked: most requests fit their SLO whole. */
public final class CompactReader implements PromptReader {
    private final Path pack;
    private final Kernels kernels;
    private CompactLm compactLm;

    private CompactReader(Path pack, Kernels kernels) {
        this.pack = pack;
        this.kernels = kernels;
    }

    /** The compact language model of a pack, if it has one. */
    public static Optional<PromptReader> of(Path pack, Kernels kernels) {
        try (GgufFile file = GgufFile.open(pack)) {
            return CompactWeights.isIn(file) ? Optional.of(new CompactReader(pack, kernels)) : Optional.empty();
        }
    }

    @Override
    public Opinion read(String text, List<Range> cuttable) {
        if (compactLm == null) {
            compactLm = load();
        }
        return compactLm.read(text, cuttable);
    }

    private CompactLm load() {
        try (GgufFile file = GgufFile.open(pack)) {
            CompactWeights weights = CompactWeights.read(file);
            return new CompactLm(weights, new WordPieceTokenizer(weights.vocabulary())::encode, kernels);
        }
    }
}
