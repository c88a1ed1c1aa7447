package elms.server.cli;

import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.engine.decode.Offsets;
import elms.engine.decode.Sampling;
import elms.engine.text.Message;
import elms.planner.LatencyModel;
import elms.planner.PlanForm;
import elms.planner.Limit;
import elms.planner.Slo;
import elms.server.Profiles;
import elms.service.AppProfile;
import elms.service.Binding;
import elms.service.ElmsService;
import elms.service.Listener;
import elms.service.Pin;
import elms.service.Request;
import elms.service.Response;
import elms.service.Settings;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

@Command(name = "run", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Answers a prompt within an SLO; without a prompt, opens a chat.")
final class RunCommand implements Callable<Integer> {
    private static final int WARM_UP_PLANS = 3;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions options;

    @Parameters(index = "1..*", paramLabel = "PROMPT", description = "What to answer. Without it, standard input or a chat.")
    private List<String> words = List.of();

    @Option(names = "--ttft", paramLabel = "X", converter = LimitConverter.class,
            description = "Time to first token: a share of the full model's (0.4) or a time (300ms).")
    private Limit ttft;

    @Option(names = "--tpot", paramLabel = "Y", converter = LimitConverter.class,
            description = "Time per output token, likewise.")
    private Limit tpot;

    @Option(names = "--strict", description = "Refuse, with exit code 1, when no level is predicted to keep the SLO.")
    private boolean strict;

    @Option(names = "--level", paramLabel = "L",
            description = "Use the level nearest to this share of the model, whatever the SLO.")
    private Double level;

    @Option(names = "--plan", paramLabel = "FORM", defaultValue = "elms",
            description = "What plans look like: elms gives each segment of the prompt its level, paper cuts words and uses one level"
                    + " (default: ${DEFAULT-VALUE}).")
    private PlanForm plan;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    @Option(names = "--system", paramLabel = "TEXT", description = "The system message.")
    private String system;

    @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "512",
            description = "Longest answer, in tokens (default: ${DEFAULT-VALUE}).")
    private int maxTokens;

    @Option(names = "--temperature", paramLabel = "T", defaultValue = "0",
            description = "0 always takes the best token (default: ${DEFAULT-VALUE}).")
    private float temperature;

    @Option(names = "--top-k", paramLabel = "K", defaultValue = "40",
            description = "Draw from the K best tokens (default: ${DEFAULT-VALUE}).")
    private int topK;

    @Option(names = "--top-p", paramLabel = "P", defaultValue = "0.95",
            description = "Draw from the best tokens that reach this probability (default: ${DEFAULT-VALUE}).")
    private float topP;

    @Option(names = "--min-p", paramLabel = "P", defaultValue = "0.05",
            description = "Drop tokens less probable than this share of the best (default: ${DEFAULT-VALUE}).")
    private float minP;

    @Option(names = "--repeat-penalty", paramLabel = "F",
            description = "Divide the scores of recent tokens (default: 1, and 1.1 for what a smaller level said itself).")
    private Optional<Float> repeatPenalty = Optional.empty();

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0",
            description = "Seed of the draws (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--stop", paramLabel = "TEXT", description = "End the answer before this text; may be given more than once.")
    private List<String> stops = List.of();

    @Override
    public Integer call() throws IOException {
        boolean chat = words.isEmpty() && System.console() != null && System.console().isTerminal();
        if (chat && json) {
            throw new ParameterException(spec.commandLine(), "--json needs a prompt");
        }
        Optional<String> prompt = chat ? Optional.empty() : Optional.of(prompt());
        Request request = request(prompt);
        try (Screen screen = new Screen()) {
            run(request, chat, screen);
        }
        return 0;
    }

    private void run(Request request, boolean chat, Screen screen) throws IOException {
        try (ModelOptions.Started started = options.start(screen)) {
            Profiles profiles = new Profiles(started.stored(), started.model(), started.kernels());
            LatencyModel latency = profiles.get(screen.step("Measuring this machine"));
            screen.close();
            try (ElmsService service = ElmsService.open(started.model(), started.kernels(), latency,
                    Settings.usual().withPlanner(started.reader(), plan))) {
                if (!request.slo().equals(Slo.NONE)) {
                    service.warmUp();
                    service.warmUpPlanner(WARM_UP_PLANS);
                }
                Binding app = service.bind(AppProfile.of("elms-run"));
                if (chat) {
                    new Chat(service.model(), app, request).run();
                } else {
                    answer(service.model(), app, request, screen);
                }
            }
        }
    }

    private void answer(ElasticModel model, Binding app, Request request, Screen screen) {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        Listener stream = piece -> {
            out.print(piece);
            out.flush();
        };
        Response response = app.call(request, json ? Listener.NONE : stream);
        out.println(json ? Json.of(RunReport.of(model.name(), response)) : "");
        out.flush();
        if (!json) {
            screen.line(RunReport.line(response));
        }
    }

    private Request request(Optional<String> prompt) {
        List<Message> messages = new ArrayList<>();
        if (system != null) {
            messages.add(Message.system(system));
        }
        prompt.map(Message::user).ifPresent(messages::add);
        try {
            return Request.of(messages, maxTokens).withSlo(new Slo(Optional.ofNullable(ttft), Optional.ofNullable(tpot)))
                    .withStrict(strict).withPin(Optional.ofNullable(level).map(Pin::of)).withStops(stops)
                    .withSampling(new Sampling(temperature, topK, topP, minP, repeatPenalty, seed, Offsets.NONE));
        } catch (ElmsException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    /** The words of the command line, or what stands on standard input. */
    private String prompt() throws IOException {
        String prompt = words.isEmpty() ? standardInput() : String.join(" ", words);
        if (prompt.isBlank()) {
            throw new ParameterException(spec.commandLine(), "the prompt is empty");
        }
        return prompt;
    }

    private String standardInput() throws IOException {
        byte[] bytes = System.in.readAllBytes();
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString().strip();
        } catch (CharacterCodingException e) {
            throw new ElmsException("standard input is not UTF-8 text", e);
        }
    }

    /** Reads a {@link Limit}; its refusals are wrong usage. */
    static final class LimitConverter implements ITypeConverter<Limit> {
        @Override
        public Limit convert(String text) {
            try {
                return Limit.parse(text);
            } catch (ElmsException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
