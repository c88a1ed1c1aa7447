package elms.server;

import elms.elastic.Progress;
import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.engine.model.Level;
import elms.engine.model.Pack;
import elms.engine.model.PackedFile;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.planner.compact.PromptReader;
import elms.server.store.StoredModel;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.CRC32;

/**
 * From a model file to a model that runs. The first start packs the weights in the pack's order; later ones map the result.
 * A model without a pack is calibrated first, and keeps its pack.
 */
public final class ModelLoader {
    private static final String WEIGHTS = ".weights";
    private static final Duration INTERRUPTED = Duration.ofHours(1);

    private final Kernels kernels;
    private final Progress progress;

    public ModelLoader(Kernels kernels, Progress progress) {
        this.kernels = kernels;
        this.progress = progress;
    }

    /**
     * A model that runs, and what plans for it.
     *
     * @param reader of prompts; absent if the pack has none
     * @param key hashes of the model file and of its pack
     */
    public record Prepared(ElasticModel model, Optional<PromptReader> reader, String key) {}

    public Prepared load(BaseModel base) {
        StoredModel stored = base.stored();
        try {
            Files.createDirectories(stored.folder());
            Packs packs = new Packs(base);
            Path file = pack(packs, base);
            Pack pack = packs.read(file);
            String hash = checksum(file);
            String key = stored.sha256() + ":" + hash;
            Weights weights = weights(base, pack, stored.folder().resolve(hash + WEIGHTS), key);
            List<SubModel> levels = new ArrayList<>();
            levels.add(SubModel.of(weights, Level.full(base.config())));
            pack.levels().forEach(level -> levels.add(SubModel.of(weights, level)));
            return new Prepared(new ElasticModel(stored.name(), weights, levels, base.tokenizer(), base.template()),
                    CompactReader.of(file, kernels), key);
        } catch (IOException e) {
            throw new ElmsException("the prepared model cannot be kept in " + stored.folder() + ": " + e.getMessage(), e);
        }
    }

    private Path pack(Packs packs, BaseModel base) throws IOException {
        Optional<Path> found = packs.file();
        if (found.isPresent()) {
            return found.get();
        }
        Path own = Packs.ownPath(base.stored());
        packs.make(List.of(), kernels, progress).write(own);
        return own;
    }

    /** Maps the weights that were packed for a pack, and packs them first if they are not there or are damaged. */
    private Weights weights(BaseModel base, Pack pack, Path path, String key) throws IOException {
        if (Files.exists(path)) {
            try {
                return mapped(base, pack, path, key);
            } catch (ElmsException e) {
                progress.at("Packing again, since " + e.getMessage(), 0);
            }
        }
        removeOldWeights(base.stored().folder());
        progress.at("Packing weights", 0);
        PackedFile.write(path, base.config(), key, new WeightPacker(base.file(), base.config(), pack, Precision.PACKED));
        progress.at("Packing weights", 1);
        return mapped(base, pack, path, key);
    }

    private Weights mapped(BaseModel base, Pack pack, Path path, String key) {
        PackedFile file = PackedFile.open(path, base.config(), key);
        file.mapped().ifPresent(kernels::willRead);
        return Weights.of(base.config(), pack.order(), file);
    }

    private static String checksum(Path file) throws IOException {
        CRC32 checksum = new CRC32();
        try (FileChannel channel = FileChannel.open(file)) {
            checksum.update(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()));
        }
        return Long.toHexString(checksum.getValue());
    }

    /** Removes weights in another order, and what an interrupted start left behind. */
    private static void removeOldWeights(Path folder) throws IOException {
        FileTime old = FileTime.from(Instant.now().minus(INTERRUPTED));
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(file -> file.getFileName().toString().contains(WEIGHTS)).toList()) {
                if (file.toString().endsWith(WEIGHTS) || Files.getLastModifiedTime(file).compareTo(old) < 0) {
                    Files.delete(file);
                }
            }
        }
    }
}
