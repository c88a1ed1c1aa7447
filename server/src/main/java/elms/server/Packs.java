package elms.server;

import elms.elastic.Aims;
import elms.elastic.Calibration;
import elms.elastic.Corpus;
import elms.elastic.Elasticizer;
import elms.elastic.Progress;
import elms.elastic.recovery.Checkpoint;
import elms.elastic.recovery.Recovery;
import elms.engine.model.Pack;
import elms.kernels.Kernels;
import elms.server.store.StoredModel;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Finds the pack of a model, or makes it: the user's own before the one that comes with Elms before a new one. */
public final class Packs {
    private static final String OWN = "own.pack";
    private static final String SHIPPED = "shipped-";

    private final BaseModel base;

    public Packs(BaseModel base) {
        this.base = base;
    }

    /** Where a model's own pack is kept. */
    public static Path ownPath(StoredModel model) {
        return model.folder().resolve(OWN);
    }

    /** The pack of the model, if there is one. */
    public Optional<Pack> find() throws IOException {
        Optional<Path> file = file();
        return file.isEmpty() ? Optional.empty() : Optional.of(read(file.get()));
    }

    /** Reads a pack for the model. */
    public Pack read(Path file) {
        return Pack.read(file, base.config(), base.stored().sha256());
    }

    /** The file of the pack of the model, if there is one. */
    public Optional<Path> file() throws IOException {
        Path own = ownPath(base.stored());
        return Files.exists(own) ? Optional.of(own) : shipped();
    }

    /** The pack that comes with Elms, copied to the model's folder once: a file can be mapped, what is in a JAR cannot. */
    private Optional<Path> shipped() throws IOException {
        URL resource = Packs.class.getResource("packs/" + base.stored().sha256() + ".pack");
        if (resource == null) {
            return Optional.empty();
        }
        URLConnection connection = resource.openConnection();
        long version = connection instanceof JarURLConnection jar ? jar.getJarEntry().getCrc() : connection.getLastModified();
        Path copy = base.stored().folder().resolve(SHIPPED + Long.toHexString(version) + ".pack");
        if (!Files.exists(copy)) {
            Files.createDirectories(copy.getParent());
            Path part = Files.createTempFile(copy.getParent(), SHIPPED, ".part");
            try (InputStream in = connection.getInputStream()) {
                Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
                Files.move(part, copy, StandardCopyOption.ATOMIC_MOVE);
            }
        }
        return Optional.of(copy);
    }

    /**
     * Makes a pack that nothing is trained for.
     *
     * @param texts to calibrate on; none for the text that comes with Elms
     */
    public Pack make(List<Path> texts, Kernels kernels, Progress progress) {
        return make(calibration(texts), Aims.measured(), source(texts), kernels, progress);
    }

    /**
     * Makes a pack whose levels nothing is trained for yet.
     *
     * @param source what the calibration is, for its provenance
     */
    public Pack make(Calibration calibration, Aims aims, String source, Kernels kernels, Progress progress) {
        return new Elasticizer(base.file(), kernels, progress).make(base.stored().sha256(), calibration, aims, source);
    }

    /** The recovery of the model's levels, begun or not. */
    public Recovery recovery() {
        return new Recovery(base.file(), base.stored().sha256(), new Checkpoint(recoveryFolder()));
    }

    /** Where a recovery keeps its state. */
    public Path recoveryFolder() {
        return base.stored().folder().resolve("recovery");
    }

    /** The sequences of some texts; of none, of the text that comes with Elms. */
    public Calibration calibration(List<Path> texts) {
        Corpus corpus = new Corpus(base.tokenizer(), base.template());
        List<List<int[]>> files = texts.isEmpty() ? List.of(corpus.shipped()) : texts.stream().map(corpus::read).toList();
        int[] separator = IntStream.range(0, base.tokenizer().vocabulary()).filter(base.tokenizer()::endsAnswer).limit(1).toArray();
        return Calibration.of(files, separator);
    }

    /** What a pack says of its calibration on some texts. */
    public static String source(List<Path> texts) {
        return texts.isEmpty() ? "the books that come with Elms" : texts.stream().map(Path::getFileName).toList().toString();
    }
}
