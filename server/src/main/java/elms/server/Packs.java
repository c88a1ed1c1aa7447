package elms.server;

import elms.elastic.Calibration;
import elms.elastic.Elasticizer;
import elms.elastic.Progress;
import elms.engine.model.Pack;
import elms.kernels.Kernels;
import elms.server.store.StoredModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Finds the pack of a model, or makes it: the user's own before the one that comes with Elms before a new one. */
public final class Packs {
    private static final String OWN = "own.pack";

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
        Path own = ownPath(base.stored());
        return Files.exists(own) ? Optional.of(Pack.read(own, base.config(), base.stored().sha256())) : shipped();
    }

    private Optional<Pack> shipped() throws IOException {
        try (InputStream in = Packs.class.getResourceAsStream("packs/" + base.stored().sha256() + ".pack")) {
            if (in == null) {
                return Optional.empty();
            }
            Path copy = Files.createTempFile("elms-", ".pack");
            try {
                Files.write(copy, in.readAllBytes());
                return Optional.of(Pack.read(copy, base.config(), base.stored().sha256()));
            } finally {
                Files.delete(copy);
            }
        }
    }

    /**
     * Makes a pack.
     *
     * @param texts to calibrate on; none for the text that comes with Elms
     */
    public Pack make(List<Path> texts, Kernels kernels, Progress progress) {
        List<String> documents = texts.isEmpty() ? Calibration.shipped() : Calibration.read(texts);
        String provenance = "activation-weighted order, calibrated on "
                + (texts.isEmpty() ? "the books that come with Elms" : texts.stream().map(Path::getFileName).toList());
        Calibration calibration = Calibration.of(documents, base.tokenizer(), base.template());
        return new Elasticizer(kernels, progress).make(base.file(), base.stored().sha256(), calibration, provenance);
    }
}
