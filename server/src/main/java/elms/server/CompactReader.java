package elms.server;

import elms.engine.ElmsException;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** The compact language model that a pack carries. It is made ready beside everything else, since the first answer may not need it. */
public final class CompactReader implements PromptReader {
    private final CompletableFuture<CompactLm> compactLm;

    private CompactReader(Path pack, Kernels kernels) {
        compactLm = CompletableFuture.supplyAsync(() -> {
            try (GgufFile file = GgufFile.open(pack)) {
                CompactWeights weights = CompactWeights.read(file);
                return new CompactLm(weights, new WordPieceTokenizer(weights.vocabulary())::encode, kernels);
            }
        });
    }

    /** The compact language model of a pack, if it has one. */
    public static Optional<PromptReader> of(Path pack, Kernels kernels) {
        try (GgufFile file = GgufFile.open(pack)) {
            return CompactWeights.isIn(file) ? Optional.of(new CompactReader(pack, kernels)) : Optional.empty();
        }
    }

    @Override
    public Opinion read(String text, List<Range> cuttable) {
        try {
            return compactLm.join().read(text, cuttable);
        } catch (CompletionException e) {
            throw e.getCause() instanceof ElmsException sentence ? sentence : e;
        }
    }
}
