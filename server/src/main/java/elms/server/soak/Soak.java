package elms.server.soak;

import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.eval.ProcessMemory;
import elms.kernels.Kernels;
import elms.server.http.HttpServer;
import elms.server.http.LoadedModel;
import elms.server.http.ServerSettings;
import elms.server.http.ServerSettings.Limits;
import elms.server.soak.Report.Mark;
import elms.server.soak.Visitor.Fault;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.ObjectName;
import javax.management.ReflectionException;

/**
 * Everything at once, for long: clients of a server that wait, read slowly, go away, hurry, ask for too much. Pinned answers must
 * be the engine's own; at every mark all clients are held back until the server has nothing left to do, and memory is taken.
 */
public final class Soak {
    private static final int CLIENTS = 16;
    private static final long SEED = 7;
    private static final int THINKING_MILLIS = 400;
    private static final double MEGABYTE = 1 << 20;
    /** Longest time without any progress before requests count as stuck. */
    private static final int PATIENCE_SECONDS = 120;
    /** The serial collector leaves dead objects where they lie among many live ones, but in every fourth collection. */
    private static final int UNTIL_COMPACT = 4;
    private static final String WORK = "vllm:num_requests_";
    /** A process that is stopped for a while must not take its own clients for slow ones. */
    private static final Duration PATIENT = Duration.ofHours(1);

    private final ElasticModel model;
    private final Kernels kernels;
    private final Function<MeterRegistry, LoadedModel> loader;
    private final Consumer<Mark> progress;
    private final Tally tally = new Tally();
    private final Door door = new Door();
    private volatile boolean ending;

    /**
     * @param kernels that the model is served on; they stay the caller's to close
     * @param loader has the model served
     * @param progress is told every mark
     */
    public Soak(ElasticModel model, Kernels kernels, Function<MeterRegistry, LoadedModel> loader, Consumer<Mark> progress) {
        this.model = model;
        this.kernels = kernels;
        this.loader = loader;
        this.progress = progress;
    }

    /**
     * Lets clients come until all marks are made.
     *
     * @param marks at least 1
     * @param distance between two of them
     */
    public Report run(int marks, Duration distance) {
        List<KnownChat> chats = PlainAnswers.of(model, kernels, SEED);
        int pages = kernels.pagesInUse();
        List<Mark> made = new ArrayList<>();
        long stuck;
        try (HttpServer server = HttpServer.start(settings(), model.name(), loader);
                HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            server.loaded();
            stuck = visited(URI.create("http://127.0.0.1:" + server.port()), http, chats, marks, distance, made);
            http.shutdownNow();
        } catch (IOException e) {
            throw new ElmsException("the server cannot be reached: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ElmsException("the soak was interrupted", e);
        }
        return Report.of(model.name(), CLIENTS, distance.toMillis() / 1000.0, tally, stuck, kernels.pagesInUse() - pages, made);
    }

    private static ServerSettings settings() {
        ServerSettings usual = ServerSettings.local();
        Limits limits = Limits.USUAL;
        return new ServerSettings(usual.host(), usual.port(), usual.socket(), usual.keys(), usual.allowedHosts(),
                usual.allowedOrigins(), new Limits(limits.bodyBytes(), limits.headerBytes(), limits.connections(), PATIENT, PATIENT,
                PATIENT, PATIENT, limits.grace()));
    }

    /** Requests that got stuck. */
    private long visited(URI server, HttpClient http, List<KnownChat> chats, int marks, Duration distance, List<Mark> made)
            throws IOException, InterruptedException {
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int client = 0; client < CLIENTS; client++) {
                Random random = new Random(SEED + client);
                Visitor visitor = new Visitor(server, http, chats, model.config().context(), random, "soak-" + client);
                clients.submit(() -> comeAgain(visitor, random));
            }
            long start = System.nanoTime();
            long stuck = 0;
            while (made.size() < marks && stuck == 0) {
                Duration due = distance.multipliedBy(made.size() + 1).minusNanos(System.nanoTime() - start);
                Thread.sleep(due.isNegative() ? Duration.ZERO : due);
                stuck = door.shut(PATIENCE_SECONDS);
                stuck = stuck > 0 ? stuck : leftAtWork(server, http);
                made.add(mark(made.size() + 1));
                progress.accept(made.getLast());
                ending = made.size() == marks;
                door.open();
            }
            clients.shutdownNow();
            return stuck;
        }
    }

    private void comeAgain(Visitor visitor, Random random) {
        try {
            visitor.bind(Visitor.CROWD, "{\"quota\": 2}");
            while (true) {
                Thread.sleep(random.nextInt(THINKING_MILLIS));
                door.enter();
                try {
                    if (ending) {
                        return;
                    }
                    come(visitor, Visit.any(random));
                } finally {
                    door.leave();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Fault | IOException e) {
            tally.fault("a client could not begin: " + e.getMessage());
        }
    }

    private void come(Visitor visitor, Visit visit) throws InterruptedException {
        try {
            tally.count(visit, visitor.visit(visit));
        } catch (Fault e) {
            tally.count(visit, e.outcome());
            tally.fault(visit + ": " + e.getMessage());
        } catch (IOException e) {
            tally.count(visit, Outcome.FAILED);
            tally.fault(visit + ": " + e);
        }
    }

    /** Requests that the server still works at, long after all clients have had their answers or have gone. */
    private static long leftAtWork(URI server, HttpClient http) throws IOException, InterruptedException {
        HttpRequest scrape = HttpRequest.newBuilder(server.resolve("/metrics")).build();
        long left = 1;
        for (int second = 0; left > 0 && second < PATIENCE_SECONDS; second++) {
            if (second > 0) {
                Thread.sleep(Duration.ofSeconds(1));
            }
            left = http.send(scrape, BodyHandlers.ofString()).body().lines().filter(line -> line.startsWith(WORK))
                    .mapToLong(line -> Math.round(Double.parseDouble(line.substring(line.lastIndexOf(' '))))).sum();
        }
        return left;
    }

    private Mark mark(int number) {
        for (int collection = 0; collection < UNTIL_COMPACT; collection++) {
            System.gc();
        }
        trimNativeHeap();
        double pages = kernels.pageBytes() / MEGABYTE;
        double heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / MEGABYTE;
        OptionalDouble anonymous = ProcessMemory.anonymousMb();
        return new Mark(number, tally.outcomes(), heap - pages, pages, ProcessMemory.residentMb(),
                anonymous.isPresent() ? OptionalDouble.of(anonymous.getAsDouble() - peakHeapMb()) : anonymous,
                ProcessMemory.mappedMb());
    }

    /** Has the C library give back what was freed, as {@link System#gc} does in Java; where it cannot, that counts as memory. */
    private static void trimNativeHeap() {
        try {
            ManagementFactory.getPlatformMBeanServer().invoke(new ObjectName("com.sun.management:type=DiagnosticCommand"),
                    "systemTrimNativeHeap", null, null);
        } catch (InstanceNotFoundException | ReflectionException e) {
            // This JVM does not know the command.
        } catch (JMException e) {
            throw new IllegalStateException("the C library's memory cannot be trimmed", e);
        }
    }

    /** What the heap has ever taken from the system. */
    private static double peakHeapMb() {
        return ManagementFactory.getMemoryPoolMXBeans().stream().filter(pool -> pool.getType() == MemoryType.HEAP)
                .mapToLong(pool -> pool.getPeakUsage().getUsed()).sum() / MEGABYTE;
    }
}
