package elms.elastic.planner;

import elms.elastic.Progress;
import elms.elastic.planner.DecisionTraining.Sample;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.text.WordPieceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Trains a pack's compact language model otherwise, to be compared with it: decision heads on other labels or without some of the
 * prompts, and a score head on others' labels. Each goes to a file of its own; none is meant to be shipped.
 */
public final class Ablations {
    /** Folders of decision heads and of score heads, and the decision head that is trained as the pack's is. */
    public static final String DECISIONS = "decisions";
    public static final String SCORES = "scores";
    public static final String AGAIN = "again";
    public static final String FILE_END = ".gguf";
    private static final String AVERAGE = "average";
    public static final String LIGHTEST_RIGHT = "lightest_right";
    private static final String WITHOUT = "without_";
    private static final String COMPRESSIONS = "compressions";
    /** Sentences that a text is made of, to be about as long as a prompt. */
    private static final int TOGETHER = 8;
    /** Texts that are read: some minutes of training. */
    private static final int TEXTS = 400;
    private static final int ROUNDS = 1;

    private final Path pack;
    private final Path folder;
    private final Progress progress;

    /**
     * @param pack file with a compact language model
     * @param folder of what is measured and made; made if need be
     */
    public Ablations(Path pack, Path folder, Progress progress) {
        this.pack = pack;
        this.folder = folder;
        this.progress = progress;
    }

    /** Decision heads from plans that are tried on exercises. */
    public void decisions(List<Exercise> exercises, TriedPlans plans) throws IOException {
        Files.createDirectories(folder);
        try (GgufFile file = GgufFile.open(pack)) {
            PlannerFile shipped = PlannerFile.read(file);
            List<Sample> samples = plans.on(exercises, file, folder);
            write(shipped.with(DecisionTraining.average(samples)), DECISIONS, AVERAGE);
            for (Map.Entry<String, List<Sample>> head : heads(exercises, samples).entrySet()) {
                progress.at("Training decision heads", 0);
                write(shipped.with(DecisionTraining.train(head.getValue()).tensors()), DECISIONS, head.getKey());
            }
        }
    }

    /** What each decision head is trained on. */
    static Map<String, List<Sample>> heads(List<Exercise> exercises, List<Sample> samples) {
        Map<String, List<Sample>> heads = new LinkedHashMap<>();
        heads.put(AGAIN, samples);
        heads.put(LIGHTEST_RIGHT, samples.stream().flatMap(sample -> LightestRight.of(sample).stream()).toList());
        heads.put(WITHOUT + "questions", of(exercises, samples, exercise -> !exercise.isQuestion()));
        exercises.stream().map(Exercise::source).distinct().sorted().forEach(source ->
                heads.put(WITHOUT + source, of(exercises, samples, exercise -> !exercise.source().equals(source))));
        heads.values().removeIf(List::isEmpty);
        return heads;
    }

    private static List<Sample> of(List<Exercise> exercises, List<Sample> samples, Predicate<Exercise> kept) {
        return IntStream.range(0, samples.size()).filter(i -> kept.test(exercises.get(i))).mapToObj(samples::get).toList();
    }

    /** A score head from others' compressions of texts: JSON lines with an original and what was kept of it. */
    public void scores(Path compressions) throws IOException {
        try (GgufFile file = GgufFile.open(pack)) {
            Words words = PlannerFile.read(file).words();
            try (WordPieceTokenizer pieces = new WordPieceTokenizer(words.vocabulary())) {
                List<ScoreTraining.Sample> samples = CompressionLabels.read(compressions, TOGETHER).stream().limit(TEXTS)
                        .map(labels -> labels.sample(words, pieces::encode)).toList();
                write(ScoreTraining.train(MiniLm.load(), words, samples, ROUNDS, progress), SCORES, COMPRESSIONS);
            }
        }
    }

    private void write(PlannerFile made, String kind, String name) throws IOException {
        Path file = folder.resolve(kind).resolve(name + FILE_END);
        Files.createDirectories(file.getParent());
        GgufWriter.write(file, made.metadata(), made.tensors());
    }
}
