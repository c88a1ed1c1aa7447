package elms.server;

import elms.engine.ElmsException;
import elms.engine.model.Pack;
import elms.eval.Format;
import elms.eval.Peer;
import elms.server.store.Folders;
import elms.server.store.ModelStore;
import elms.server.store.StoredModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Consumer;

/** A temporary data folder in which a model is served in other formats, in the same order. Deleted at the end, also by Ctrl-C. */
public final class FormatFolder implements AutoCloseable {
    private final Path root;

    public FormatFolder() {
        try {
            root = Files.createTempDirectory("elms-formats-");
        } catch (IOException e) {
            throw new ElmsException("no temporary folder can be made: " + e.getMessage(), e);
        }
        Runtime.getRuntime().addShutdownHook(new Thread(this::close));
    }

    public Path root() {
        return root;
    }

    /**
     * Makes the model's file in every format, each with a pack like the model's own.
     *
     * @param progress told the format that is made next
     */
    public Map<Format, Path> fill(StoredModel model, Peer peer, Consumer<Format> progress) {
        Map<Format, Path> files = new EnumMap<>(Format.class);
        try (BaseModel base = BaseModel.open(model)) {
            Pack pack = new Packs(base).find().orElseThrow(() -> new IllegalStateException("a loaded model has a pack"));
            for (Format format : Format.values()) {
                progress.accept(format);
                Path file = peer.inFormat(model.file(), format, root);
                files.put(format, file);
                writePack(file, pack);
            }
            return files;
        } catch (IOException e) {
            throw new ElmsException("the model cannot be written to " + root + ": " + e.getMessage(), e);
        }
    }

    private void writePack(Path file, Pack pack) throws IOException {
        StoredModel stored = new ModelStore(root).find(file.toString()).orElseThrow();
        new Pack(stored.sha256(), pack.order(), pack.levels(), pack.directions(), pack.adapters(), pack.provenance())
                .write(Packs.ownPath(stored));
    }

    @Override
    public void close() {
        if (!Files.exists(root)) {
            return;
        }
        try {
            Folders.delete(root);
        } catch (IOException e) {
            throw new ElmsException(root + " cannot be deleted: " + e.getMessage(), e);
        }
    }
}
