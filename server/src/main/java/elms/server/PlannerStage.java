package elms.server;

import elms.elastic.Progress;
import elms.elastic.planner.Exercise;
import elms.elastic.planner.Exercises;
import elms.elastic.planner.PlannerTraining;
import elms.elastic.torch.Torch;
import elms.engine.ElmsException;
import elms.engine.model.Level;
import elms.engine.model.Pack;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.server.store.Folders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The last stage of making a pack: its planner. */
public final class PlannerStage {
    private static final Duration LONGEST = Duration.ofMinutes(45);
    /** It takes one part of so many of a budget. */
    private static final int BUDGET_PARTS = 4;
    /** Prompts of a file that are read, and prompts that plans are tried on, in the longest time. */
    public static final int MOST_OF_A_FILE = 350;
    public static final int JUDGED = 300;
    /** Of the order in which prompts are read. */
    public static final long SEED = 7;
    private static final String TEXTS = "texts.txt";

    private final BaseModel base;
    private final Path folder;

    /**
     * @param folder of what is measured on the way
     */
    public PlannerStage(BaseModel base, Path folder) {
        this.base = base;
        this.folder = folder;
    }

    /** What this stage takes of a budget. */
    public static Duration part(Duration budget) {
        Duration part = budget.dividedBy(BUDGET_PARTS);
        return part.compareTo(LONGEST) < 0 ? part : LONGEST;
    }

    /** Begins anew with some texts; only JSON lines have prompts and answers. */
    public List<Path> begin(List<Path> texts) throws IOException {
        Folders.delete(folder);
        Files.createDirectories(folder);
        List<Path> usable = texts.stream().filter(text -> text.toString().endsWith(".jsonl")).map(Path::toAbsolutePath).toList();
        Files.write(folder.resolve(TEXTS), usable.stream().map(Path::toString).toList());
        return usable;
    }

    /** Has only the decision head trained anew: what reads prompts and scores their words stays the pack's. */
    public void keepReader(Pack pack) throws IOException {
        PlannerTraining.keepReader(pack.planner(), folder);
    }

    /** The texts that it was begun with. */
    public List<Path> texts() throws IOException {
        Path list = folder.resolve(TEXTS);
        if (!Files.exists(list)) {
            throw new ElmsException("there is no training of a planner to go on with; leave out --resume to begin one");
        }
        return Files.readAllLines(list).stream().map(Path::of).toList();
    }

    /**
     * Trains a planner for the levels of a pack.
     *
     * @param budget of all that is made of the pack
     */
    public Pack train(Pack pack, List<Path> texts, Duration budget, Torch torch, Kernels kernels, Progress progress) throws IOException {
        Weights weights = Weights.of(base.config(), pack.order(), new WeightPacker(base.file(), base.config(), pack, Precision.PACKED));
        List<SubModel> levels = new ArrayList<>();
        levels.add(SubModel.of(weights, Level.full(base.config())));
        pack.levels().forEach(level -> levels.add(SubModel.of(weights, level)));
        double share = part(budget).toSeconds() / (double) LONGEST.toSeconds();
        List<Exercise> exercises = new Exercises(base.tokenizer(), base.template())
                .read(texts, (int) Math.ceil(share * MOST_OF_A_FILE), SEED);
        if (exercises.isEmpty()) {
            throw new ElmsException("the texts have no prompts to learn from: rows with choices, with an input, or with a text");
        }
        int judged = (int) Math.ceil(share * JUDGED);
        Pack.Attachment planner = new PlannerTraining(weights, levels, base.tokenizer(), kernels, torch, folder, progress)
                .train(exercises, judged);
        return pack.with(planner, said(pack.provenance(), exercises.size(), Math.min(judged, exercises.size())));
    }

    private String said(String before, int exercises, int judged) {
        return PlannerTraining.readerIsKept(folder)
                ? saidAnew(before, "; decisions: ", "plans tried anew on " + judged + " prompts")
                : saidAnew(before, "; planner: ", "a compact language model from all-MiniLM-L6-v2, trained on what matters in " + exercises
                        + " prompts and on plans tried on " + judged + " of them");
    }

    private static String saidAnew(String before, String part, String made) {
        return before.replaceFirst(part + ".*", "") + part + made + ", seed " + SEED;
    }
}
