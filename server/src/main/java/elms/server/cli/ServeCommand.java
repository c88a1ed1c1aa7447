package elms.server.cli;

import elms.engine.ElmsException;
import elms.eval.ProcessMemory;
import elms.planner.PlanForm;
import elms.server.Profiles;
import elms.server.http.ApiKey;
import elms.server.http.HttpServer;
import elms.server.http.LoadedModel;
import elms.server.http.ModelFacts;
import elms.server.http.ServerSettings;
import elms.server.http.ServerSettings.Limits;
import elms.service.ElmsService;
import elms.service.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(name = "serve", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Serves a model over HTTP, with the APIs of OpenAI and Ollama and a page to chat on, until told to stop.")
final class ServeCommand implements Callable<Integer> {
    private static final int WARM_UP_PLANS = 60;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions options;

    @Option(names = "--host", paramLabel = "ADDRESS", defaultValue = "127.0.0.1",
            description = "Address to listen at (default: ${DEFAULT-VALUE}). Any but this machine's own asks for --api-key-file.")
    private String host;

    @Option(names = "--port", paramLabel = "N", defaultValue = "11435",
            description = "Port to listen at; 0 takes a free one (default: ${DEFAULT-VALUE}).")
    private int port;

    @Option(names = "--socket", paramLabel = "PATH", description = "UNIX socket to listen at besides.")
    private Path socket;

    @Option(names = "--api-key-file", paramLabel = "FILE", description = "Let in only who has a key. One APP KEY a line.")
    private Path keyFile;

    @Option(names = "--allow-host", paramLabel = "NAME", description = "A name besides localhost that this machine is called by.")
    private List<String> allowedHosts = List.of();

    @Option(names = "--allow-origin", paramLabel = "ORIGIN",
            description = "A web page besides the server's own that may call it, such as https://app.example.")
    private List<String> allowedOrigins = List.of();

    @Override
    public Integer call() throws Exception {
        ServerSettings settings = settings();
        try (Screen screen = new Screen(); HttpServer server = HttpServer.start(settings, options.model(),
                meters -> load(screen, meters))) {
            CountDownLatch stop = new CountDownLatch(1);
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                server.close();
                stop.countDown();
            }, "elms-stop"));
            server.loaded();
            screen.line("elms: serving " + options.model() + " at http://" + settings.host() + ":" + server.port()
                    + settings.socket().map(path -> " and at " + path).orElse("")
                    + "; a page to chat on is there, OpenAI's API at /v1, Ollama's at /api");
            stop.await();
        } catch (CompletionException e) {
            throw e.getCause() instanceof ElmsException sentence ? sentence : e;
        }
        return 0;
    }

    private ServerSettings settings() throws IOException {
        if (port < 0 || port > 65535) {
            throw new ParameterException(spec.commandLine(), "--port is " + port + ", but must be between 0 and 65535");
        }
        if (keyFile == null && !InetAddress.getByName(host).isLoopbackAddress()) {
            throw new ParameterException(spec.commandLine(), "other machines can reach " + host
                    + "; give --api-key-file, or leave --host away");
        }
        return new ServerSettings(host, port, Optional.ofNullable(socket), keyFile == null ? List.of() : ApiKey.read(keyFile),
                allowedHosts, allowedOrigins, Limits.USUAL);
    }

    private LoadedModel load(Screen screen, MeterRegistry meters) {
        ModelOptions.Started started = options.start(screen);
        return load(started, screen, meters, started::close);
    }

    /**
     * Opens the service of a model, and warms it up.
     *
     * @param release run when the service is closed
     */
    static LoadedModel load(ModelOptions.Started started, Screen screen, MeterRegistry meters, Runnable release) {
        Profiles profiles = new Profiles(started.stored(), started.model(), started.kernels());
        ElmsService service = ElmsService.open(started.model(), started.kernels(),
                profiles.get(screen.step("Measuring this machine")),
                Settings.usual().withMeters(meters).withPlanner(started.reader(), PlanForm.ELMS));
        screen.close();
        service.warmUp();
        service.warmUpPlanner(WARM_UP_PLANS);
        ProcessMemory.giveBack();
        return new LoadedModel(service, ModelFacts.of(started.stored()), release);
    }
}
