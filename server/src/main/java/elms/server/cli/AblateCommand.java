package elms.server.cli;

import elms.elastic.planner.Ablations;
import elms.elastic.planner.Exercise;
import elms.elastic.planner.Exercises;
import elms.elastic.planner.TriedPlans;
import elms.elastic.torch.Torch;
import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.server.BaseModel;
import elms.server.Packs;
import elms.server.PlannerStage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "ablate", mixinStandardHelpOptions = true,
        description = "Trains parts of a pack's planner otherwise, for elms eval ablations to compare: decision heads on other labels and"
                + " without some of the prompts, a score head on others' labels.")
final class AblateCommand implements Callable<Integer> {
    @Mixin
    private ModelOptions options;

    @Option(names = {"-o", "--output"}, paramLabel = "DIR", required = true,
            description = "Folder of what is measured and made; a run that was stopped goes on there, given the same files.")
    private Path folder;

    @Option(names = "--calibration", paramLabel = "FILE", arity = "1..*",
            description = "JSON lines to try plans on, as for elms elasticize; each file is left out of one decision head.")
    private List<Path> calibration = List.of();

    @Option(names = "--prompts", paramLabel = "N", defaultValue = "" + PlannerStage.JUDGED,
            description = "Prompts to try plans on (default: ${DEFAULT-VALUE}).")
    private int prompts;

    @Option(names = "--compressions", paramLabel = "FILE",
            description = "JSON lines with what was original and what was compressed, to train a score head as LLMLingua-2's.")
    private Path compressions;

    @Override
    public Integer call() {
        try (Screen screen = new Screen(); KernelOptions.Started started = options.start(screen);
                BaseModel base = BaseModel.open(started.stored())) {
            Path pack = new Packs(base).file().orElseThrow();
            if (started.reader().isEmpty()) {
                throw new ElmsException(pack + " has no planner to compare others with");
            }
            Torch.start(options.threads());
            Ablations ablations = new Ablations(pack, folder, screen.steps());
            if (!calibration.isEmpty()) {
                ElasticModel model = started.model();
                List<Exercise> all = new Exercises(model.tokenizer(), model.template())
                        .read(calibration, PlannerStage.MOST_OF_A_FILE, PlannerStage.SEED);
                ablations.decisions(all.subList(0, Math.min(prompts, all.size())), new TriedPlans(model.weights(), model.levels(),
                        model.tokenizer(), started.kernels(), screen.steps()));
            }
            if (compressions != null) {
                ablations.scores(compressions);
            }
        } catch (IOException e) {
            throw new ElmsException("what is made cannot be kept in " + folder + ": " + e.getMessage(), e);
        }
        System.out.println(folder);
        return 0;
    }
}
