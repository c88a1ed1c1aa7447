package elms.server;

import elms.eval.AnswerStore;
import elms.kernels.Kernels;
import elms.server.store.StoredModel;
import java.util.function.Consumer;

/** Keeps what a model answered in evaluations, for each pack and provider. */
public final class Answers {
    private static final String FORM = "log-probability a character of each choice";

    private Answers() {}

    /**
     * The answers of a model so far.
     *
     * @param key hashes of the model file and of its pack
     * @param warning told in one sentence if what was kept is not usable
     */
    public static AnswerStore of(StoredModel stored, String key, Kernels kernels, Consumer<String> warning) {
        String owner = FORM + ", " + key + ", " + kernels.description();
        String name = "answers-" + Integer.toHexString(owner.hashCode()) + ".records";
        return AnswerStore.of(stored.folder().resolve(name), owner, warning);
    }
}
