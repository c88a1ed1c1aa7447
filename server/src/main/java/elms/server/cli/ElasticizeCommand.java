package elms.server.cli;

import elms.elastic.Aims;
import elms.elastic.Calibration;
import elms.elastic.Importance;
import elms.elastic.recovery.Recovery;
import elms.elastic.torch.Torch;
import elms.engine.ElmsException;
import elms.engine.model.Pack;
import elms.kernels.Kernels;
import elms.server.BaseModel;
import elms.server.Packs;
import elms.server.PlannerStage;
import elms.server.store.Folders;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

@Command(name = "elasticize", mixinStandardHelpOptions = true,
        description = "Makes a model's pack: the order of its units by importance, its levels, and what they learn from the full model.")
final class ElasticizeCommand implements Callable<Integer> {
    /** Largest rank of adapters. */
    private static final int RANK = 16;
    /** Tokens that a few minutes of training read. */
    private static final long LITTLE = 300_000;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions options;

    @Option(names = {"-o", "--output"}, paramLabel = "PACK",
            description = "Where to write it (default: where elms run looks for it).")
    private Path output;

    @Option(names = "--calibration", paramLabel = "FILE", arity = "1..*",
            description = "UTF-8 texts to measure and train on: documents parted by two empty lines, or .jsonl (default: passages of"
                    + " books; give more to train on).")
    private List<Path> calibration = List.of();

    @Option(names = "--budget", paramLabel = "TIME", defaultValue = "3h", converter = Time.class,
            description = "How long to train, such as 3h or 90m, earlier runs included; 0 for not at all (default: ${DEFAULT-VALUE}).")
    private Duration budget;

    @Option(names = "--resume", description = "Go on with the training where it stopped, with the same texts and levels.")
    private boolean resume;

    /** Parts of a pack that can be made anew alone. */
    private enum Part { PLANNER, DECISIONS }

    @Option(names = "--only", paramLabel = "PART",
            description = "Make just this part of the model's pack anew: planner, what reads prompts and chooses plans, or decisions, what"
                    + " it thinks that plans are worth with the levels there are now.")
    private Part only;

    /** Ways to order units. */
    private enum Way {
        ACTIVATION, FLUCTUATION, TAYLOR, BEST;

        boolean needsGradients() {
            return this == TAYLOR || this == BEST;
        }

        /** The ways that it stands for; those with gradients need PyTorch. */
        List<Importance> offered(Optional<Torch> torch) {
            return switch (this) {
                case ACTIVATION -> List.of(new Importance.Activation());
                case FLUCTUATION -> List.of(new Importance.Fluctuation());
                case TAYLOR -> List.of(new Importance.Taylor(torch.orElseThrow()));
                case BEST -> Stream.of(ACTIVATION, FLUCTUATION, TAYLOR).flatMap(way -> way.offered(torch).stream()).toList();
            };
        }
    }

    @Option(names = "--importance", paramLabel = "WAY",
            description = "What makes a unit important: ${COMPLETION-CANDIDATES}, which is the one of the others whose levels come"
                    + " closest to the full model before they are trained (default: activation).")
    private Way importance;

    private List<Double> levels = Aims.SHARES;

    @Option(names = "--levels", paramLabel = "SHARE", split = ",",
            description = "Shares of the decoder's weights that levels aim at (default: 0.9,0.8,0.7,0.6,0.5,0.4,0.3).")
    void levels(List<Double> shares) {
        for (double share : shares) {
            if (!(share > 0 && share < 1)) {
                throw new ParameterException(spec.commandLine(), "--levels has " + share + ", but must be shares between 0 and 1");
            }
        }
        levels = shares.stream().distinct().sorted((a, b) -> Double.compare(b, a)).toList();
    }

    @Override
    public Integer call() {
        check();
        try (Screen screen = new Screen(); BaseModel base = BaseModel.open(options.stored(screen));
                Kernels kernels = options.kernels(screen)) {
            Packs packs = new Packs(base);
            Pack pack = only != null ? planned(found(packs), packs, base, kernels, screen) : budget.isZero()
                    ? packs.make(packs.calibration(calibration), new Aims(levels, 0, offered(Optional.empty())),
                            Packs.source(calibration), kernels, screen.steps())
                    : planned(recovered(packs, base, kernels, screen), packs, base, kernels, screen);
            screen.close();
            Path target = output == null ? Packs.ownPath(base.stored()) : output;
            pack.write(target);
            if (!budget.isZero()) {
                Folders.delete(packs.recoveryFolder());
            }
            System.out.println(target);
            return 0;
        } catch (IOException e) {
            throw new ElmsException("the pack cannot be written: " + e.getMessage(), e);
        }
    }

    private void check() {
        if (resume && budget.isZero()) {
            throw new ParameterException(spec.commandLine(), "--resume goes on with a training, but --budget 0 asks for none");
        }
        if (only != null && budget.isZero()) {
            throw new ParameterException(spec.commandLine(), "--only is a training, but --budget 0 asks for none");
        }
        if (only != null && levels != Aims.SHARES) {
            throw new ParameterException(spec.commandLine(), "--only keeps the levels; leave out --levels");
        }
        if (importance != null && (resume || only != null)) {
            throw new ParameterException(spec.commandLine(), "the order of the units is kept; leave out --importance");
        }
        if (importance != null && importance.needsGradients() && budget.isZero()) {
            throw new ParameterException(spec.commandLine(), "--importance taylor and best need PyTorch, which --budget 0 does without;"
                    + " choose activation or fluctuation");
        }
        if (only != null && !resume && calibration.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "a planner learns from texts; give them after --calibration");
        }
        if (resume && (!calibration.isEmpty() || levels != Aims.SHARES)) {
            throw new ParameterException(spec.commandLine(), "--resume goes on with the texts and levels that the training was begun"
                    + " with; leave out --calibration and --levels");
        }
    }

    private Pack recovered(Packs packs, BaseModel base, Kernels kernels, Screen screen) throws IOException {
        Recovery recovery = packs.recovery();
        if (resume) {
            recovery.checkpoint().read(base.config(), base.stored().sha256());
        }
        Torch torch = Torch.start(options.threads());
        if (!resume) {
            if (recovery.checkpoint().exists()) {
                screen.line("elms: an unfinished training of this model will be replaced; to go on with it instead, stop now and"
                        + " add --resume");
            }
            Calibration texts = packs.calibration(calibration);
            if (texts.trainingTokens() < LITTLE) {
                screen.line("elms: there are only " + texts.trainingTokens() + " tokens to train on, which will be read again and again;"
                        + " with more text after --calibration the levels learn more");
            }
            recovery.require(torch, texts.training().size(), levels.size(), RANK);
            // Noted beforehand, so that --resume finds them however far this run comes.
            plannerStage(packs, base).begin(calibration);
            Aims aims = new Aims(levels, RANK, offered(Optional.of(torch)));
            recovery.begin(packs.make(texts, aims, Packs.source(calibration), kernels, screen.steps()), texts.training());
        }
        screen.line("elms: training in " + torch.numbers() + "; if it is stopped, --resume goes on with it");
        return recovery.run(budget.minus(PlannerStage.part(budget)), torch, kernels, screen.steps());
    }

    private static PlannerStage plannerStage(Packs packs, BaseModel base) {
        return new PlannerStage(base, packs.recoveryFolder().resolve("planner"));
    }

    private List<Importance> offered(Optional<Torch> torch) {
        return (importance == null ? Way.ACTIVATION : importance).offered(torch);
    }

    private static Pack found(Packs packs) throws IOException {
        return packs.find().orElseThrow(() -> new ElmsException("the model has no pack yet; leave out --only to make one"));
    }

    private Pack planned(Pack pack, Packs packs, BaseModel base, Kernels kernels, Screen screen) throws IOException {
        if (only == Part.DECISIONS && pack.planner().tensors().isEmpty()) {
            throw new ElmsException("the model's pack has no planner whose decisions could be made anew; use --only planner");
        }
        PlannerStage stage = plannerStage(packs, base);
        List<Path> texts = only == null || resume ? stage.texts() : stage.begin(calibration);
        if (only == Part.DECISIONS && !resume) {
            stage.keepReader(pack);
        }
        if (texts.isEmpty()) {
            screen.line("elms: the pack gets no planner, since there are no texts to learn from; give some after --calibration");
            return pack;
        }
        return stage.train(pack, texts, budget, Torch.start(options.threads()), kernels, screen.steps());
    }

    /** Hours, minutes and seconds, such as 3h, 90m or 1h30m. */
    static final class Time implements ITypeConverter<Duration> {
        private static final Pattern FORM = Pattern.compile("(?=.)(?:(\\d{1,4})h)?(?:(\\d{1,5})m)?(?:(\\d{1,6})s)?");

        @Override
        public Duration convert(String text) {
            Matcher matcher = FORM.matcher(text.strip());
            if (text.strip().equals("0")) {
                return Duration.ZERO;
            }
            if (!matcher.matches()) {
                throw new TypeConversionException("'" + text + "' is no time such as 3h, 90m or 1h30m, or 0 for no training");
            }
            return Duration.ofHours(part(matcher, 1)).plusMinutes(part(matcher, 2)).plusSeconds(part(matcher, 3));
        }

        private static long part(Matcher matcher, int group) {
            return matcher.group(group) == null ? 0 : Long.parseLong(matcher.group(group));
        }
    }
}
