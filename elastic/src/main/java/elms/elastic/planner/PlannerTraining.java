package elms.elastic.planner;

import elms.elastic.Progress;
import elms.elastic.recovery.Decoder;
import elms.elastic.torch.Torch;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.model.Pack.Attachment;
import elms.engine.model.SubModel;
import elms.engine.model.Weights;
import elms.engine.text.Tokenizer;
import elms.kernels.Kernels;
import elms.text.WordPieceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;

/**
 * Trains a compact language model for one model: its score head on what matters to that model's answers, its decision head on what
 * plans turn out to be worth. What is measured is kept in a folder, so that a training that was stopped goes on.
 */
public final class PlannerTraining {
    private static final int VOCABULARY = 16_000;
    private static final int ROUNDS = 3;
    private static final String SCORED = "scored.gguf";
    private static final String SALIENCY = "saliency.records";

    private final Weights weights;
    private final List<SubModel> levels;
    private final Tokenizer tokenizer;
    private final Kernels kernels;
    private final Torch torch;
    private final Path folder;
    private final Progress progress;

    /**
     * @param levels of the model, largest first
     * @param folder of what is measured; made if need be
     */
    public PlannerTraining(Weights weights, List<SubModel> levels, Tokenizer tokenizer, Kernels kernels, Torch torch, Path folder,
            Progress progress) {
        this.weights = weights;
        this.levels = levels;
        this.tokenizer = tokenizer;
        this.kernels = kernels;
        this.torch = torch;
        this.folder = folder;
        this.progress = progress;
    }

    /** Keeps in a folder that is there what a planner knows of words, so that a training in it leaves that as it is. */
    public static void keepReader(Attachment planner, Path folder) throws IOException {
        GgufWriter.write(folder.resolve(SCORED), planner.metadata(), planner.tensors());
    }

    /** Whether a folder keeps that, and nothing to learn it from. */
    public static boolean readerIsKept(Path folder) {
        return Files.exists(folder.resolve(SCORED)) && !Files.exists(folder.resolve(SALIENCY));
    }

    /**
     * Trains both heads, or the decision head where the folder keeps the other.
     *
     * @param exercises what is measured on, in this order; the same when a training goes on
     * @param judged how many of them plans are tried on
     */
    public Attachment train(List<Exercise> exercises, int judged) throws IOException {
        Files.createDirectories(folder);
        PlannerFile scored = Files.exists(folder.resolve(SCORED)) ? scored() : scored(exercises, saliencies(exercises));
        List<DecisionTraining.Sample> tried;
        try (GgufFile file = GgufFile.open(folder.resolve(SCORED))) {
            tried = new TriedPlans(weights, levels, tokenizer, kernels, progress)
                    .on(exercises.subList(0, Math.min(judged, exercises.size())), file, folder);
        }
        progress.at("Training the decision head", 1);
        PlannerFile done = scored.with(DecisionTraining.train(tried).tensors());
        return new Attachment(done.metadata(), done.tensors());
    }

    private List<float[]> saliencies(List<Exercise> exercises) {
        Records records = new Records(folder.resolve(SALIENCY));
        if (records.rows().size() < exercises.size()) {
            try (PointerScope scope = new PointerScope()) {
                Saliency saliency = new Saliency(new Decoder(weights, torch.type()), tokenizer);
                while (records.rows().size() < exercises.size()) {
                    records.add(saliency.of(exercises.get(records.rows().size())));
                    progress.at("Finding out which words matter", (double) records.rows().size() / exercises.size());
                }
            }
        }
        return records.rows();
    }

    /** How often each of MiniLM's pieces occurs. */
    private static int[] counts(MiniLm start, List<Exercise> exercises) {
        int[] counts = new int[start.vocabulary().length];
        try (WordPieceTokenizer pieces = new WordPieceTokenizer(start.vocabulary())) {
            for (Exercise exercise : exercises) {
                Arrays.stream(pieces.encode(exercise.prompt().text()).ids()).forEach(id -> counts[id]++);
            }
        }
        return counts;
    }

    /** The score head that an earlier run trained. */
    private PlannerFile scored() {
        try (GgufFile file = GgufFile.open(folder.resolve(SCORED))) {
            return PlannerFile.read(file);
        }
    }

    private PlannerFile scored(List<Exercise> exercises, List<float[]> saliencies) throws IOException {
        MiniLm start = MiniLm.load();
        Words words = Words.of(start, counts(start, exercises), VOCABULARY);
        try (WordPieceTokenizer pieces = new WordPieceTokenizer(words.vocabulary())) {
            List<ScoreTraining.Sample> samples = new ArrayList<>();
            for (int i = 0; i < exercises.size(); i++) {
                samples.add(ScoreTraining.sample(exercises.get(i), saliencies.get(i), words, pieces::encode));
            }
            PlannerFile scored = ScoreTraining.train(start, words, samples, ROUNDS, progress);
            GgufWriter.write(folder.resolve(SCORED), scored.metadata(), scored.tensors());
            return scored;
        }
    }
}
