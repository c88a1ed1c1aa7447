package elms.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import elms.engine.ElasticModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Sampler;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.kernels.Kernels;
import elms.kernels.jdk.Provider;
import elms.kernels.jdk.ProviderUnavailableException;
import elms.planner.PlanShape;
import elms.planner.Prompt;
import elms.planner.Prompts;
import elms.planner.WordCompression;
import elms.planner.compact.Opinion;
import elms.server.store.ModelStore;
import elms.server.store.StoredModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The pack that comes with Elms, on the model that it is for. */
class ShippedPackTest {
    private static final int WINDOW = 128;
    private static final int WINDOWS = 3;

    @TempDir
    Path home;

    private StoredModel stored;

    @BeforeEach
    void find() {
        String file = System.getProperty("elms.smollm2", "");
        assumeTrue(!file.isEmpty(), "no weights: run ./elms test, or give -Delms.smollm2=FILE");
        stored = new ModelStore(home).find(file).orElseThrow();
    }

    /** On text that the screen was not made from, the best word is found in 99.5% of all steps below the full level. */
    @Test
    void theScreenedHeadFindsTheBestWord() throws IOException {
        Path text = Path.of(System.getProperty("elms.data", "../../shared/data")).resolve("text/wikitext2.test.txt");
        assumeTrue(Files.exists(text), "no data: give -Delms.data=FOLDER that holds text/wikitext2.test.txt");
        try (Kernels kernels = Provider.NATIVE.start(Machine.cores()); BaseModel base = BaseModel.open(stored)) {
            ElasticModel model = new ModelLoader(kernels, (step, share) -> {}).load(base).model();
            int[] ids = model.tokenizer().encode(Files.readString(text).substring(0, 40_000)).ids();
            List<SubModel> below = model.levels().subList(1, model.levels().size());
            double same = 0;
            for (SubModel level : below) {
                double own = agreement(new Transformer(model.weights(), kernels), level, ids);
                assertThat(own).as("level %.2f", level.share()).isGreaterThan(0.98);
                same += own / below.size();
            }
            assertThat(same).isGreaterThanOrEqualTo(0.995);
        } catch (ProviderUnavailableException e) {
            Assumptions.abort(e.getMessage());
        }
    }

    /** Without a word of training on it: the compact language model knows that nouns and names matter more than particles. */
    @Test
    void thePlannerThatIsShippedKnowsWhatMatters() {
        String text = "The Amazon covers much of northwestern Brazil, and it extends into Colombia and Peru. It is the largest tropical"
                + " rainforest of the world, and it is famed for its biodiversity.\n\nWhich countries share the forest?";
        try (Kernels kernels = Provider.NATIVE.start(Machine.cores()); BaseModel base = BaseModel.open(stored)) {
            ModelLoader.Prepared prepared = new ModelLoader(kernels, (step, share) -> {}).load(base);
            Prompt prompt = Prompts.of(text, prepared.model().tokenizer());
            Opinion opinion = prepared.reader().orElseThrow().read(prompt.text(), prompt.cuttable());
            String kept = WordCompression.text(prompt, WordCompression.kept(prompt, opinion, prompt.tokens() * 2 / 3));
            assertThat(kept).contains("Amazon", "Brazil", "Colombia", "Peru", "Which countries share the forest?");
            assertThat(opinion.qualities()[0]).as("of the whole prompt, read in full").isGreaterThan(opinion.qualities()[PlanShape.SEGMENTS.size() - 1]);
        } catch (ProviderUnavailableException e) {
            Assumptions.abort(e.getMessage());
        }
    }

    /** Share of the steps in which the best candidate is the best of all words. */
    private static double agreement(Transformer transformer, SubModel level, int[] ids) {
        int same = 0;
        for (int window = 0; window < WINDOWS; window++) {
            try (KvCache cache = transformer.newCache(WINDOW)) {
                for (int i = 0; i < WINDOW; i++) {
                    transformer.step(ids[4 * window * WINDOW + i], level, cache);
                    same += Sampler.best(transformer.candidates()) == Sampler.best(transformer.logits()) ? 1 : 0;
                }
            }
        }
        return (double) same / (WINDOWS * WINDOW);
    }
}
