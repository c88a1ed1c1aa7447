package elms.server.http;

import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Has the model in memory while it is needed: loads it behind the open socket, unloads it when nobody has used it for the time
 * that was asked for, and loads it again for the next request.
 */
final class ModelHost implements AutoCloseable {
    /** A request that was told to end needs one more pass. */
    private static final Duration END = Duration.ofSeconds(5);

    private final String name;
    private final Supplier<LoadedModel> loader;
    private final ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1,
            Thread.ofPlatform().daemon().name("elms-keep-alive").factory());
    private Optional<CompletableFuture<LoadedModel>> model = Optional.empty();
    private boolean loadedOnce;
    private boolean closing;
    /** Whether requests that still run must end. */
    private boolean ending;
    private final Set<Lease> answering = new HashSet<>();
    private int leases;
    /** How long the model stays after its last use; absent for ever. */
    private Optional<Duration> keepAlive = Optional.empty();
    private Optional<ModelFacts> facts = Optional.empty();
    private Optional<Instant> expiry = Optional.empty();
    private Optional<ScheduledFuture<?>> unloading = Optional.empty();

    ModelHost(String name, Supplier<LoadedModel> loader) {
        this.name = name;
        this.loader = loader;
    }

    /** What the user calls the model. */
    String name() {
        return name;
    }

    /** Use of the model, which is not unloaded before the lease is closed. */
    final class Lease implements AutoCloseable {
        private final LoadedModel loaded;
        private Runnable whenEnding = () -> {};
        private boolean given;

        private Lease(LoadedModel loaded) {
            this.loaded = loaded;
        }

        LoadedModel model() {
            return loaded;
        }

        /** Has something done when the server has run out of patience, at once if it has. */
        void whenEnding(Runnable action) {
            synchronized (ModelHost.this) {
                whenEnding = action;
                answering.add(this);
                if (ending) {
                    action.run();
                }
            }
        }

        @Override
        public void close() {
            release(this);
        }
    }

    /** Loads the model in a thread of its own; the result tells how that went. */
    synchronized CompletableFuture<LoadedModel> load() {
        CompletableFuture<LoadedModel> loading = CompletableFuture.supplyAsync(loader, Thread.ofPlatform().daemon()::start);
        model = Optional.of(loading);
        return loading;
    }

    /**
     * Takes the model into use. While it is loaded for the first time the request is refused; when it was unloaded meanwhile,
     * this waits until it is back.
     */
    Lease lease() {
        CompletableFuture<LoadedModel> loading;
        synchronized (this) {
            if (closing) {
                throw ApiException.closing();
            }
            loading = model.orElseGet(this::load);
            if (!loadedOnce && !loading.isDone()) {
                throw ApiException.loading();
            }
            leases++;
            unloading.ifPresent(task -> task.cancel(false));
            expiry = Optional.empty();
        }
        try {
            Lease lease = new Lease(loading.join());
            synchronized (this) {
                loadedOnce = true;
            }
            return lease;
        } catch (CompletionException e) {
            giveUp(loading);
            throw e.getCause() instanceof RuntimeException failure ? failure : e;
        }
    }

    /** The next request tries again. */
    private synchronized void giveUp(CompletableFuture<LoadedModel> failed) {
        leases--;
        model = model.filter(loading -> loading != failed);
        notifyAll();
    }

    private synchronized void release(Lease lease) {
        if (lease.given) {
            return;
        }
        lease.given = true;
        answering.remove(lease);
        leases--;
        notifyAll();
        if (leases == 0 && keepAlive.isPresent() && !closing) {
            expiry = Optional.of(Instant.now().plus(keepAlive.get()));
            unloading = Optional.of(clock.schedule(this::unload, keepAlive.get().toNanos(), TimeUnit.NANOSECONDS));
        }
    }

    private synchronized void unload() {
        if (leases == 0 && !closing) {
            facts = facts();
            loaded().ifPresent(LoadedModel::close);
            model = Optional.empty();
            expiry = Optional.empty();
        }
    }

    /**
     * How long the model stays after its last use from now on.
     *
     * @param time absent for ever
     */
    synchronized void keepAlive(Optional<Duration> time) {
        keepAlive = time;
    }

    /** The model that is loaded, or about to be. */
    synchronized Optional<CompletableFuture<LoadedModel>> current() {
        return model;
    }

    /** The model, if it is in memory. */
    synchronized Optional<LoadedModel> loaded() {
        return model.filter(loading -> loading.isDone() && !loading.isCompletedExceptionally()).map(CompletableFuture::join);
    }

    /** Whether the model has been in memory and can be again at once. */
    synchronized boolean ready() {
        return !closing && (loadedOnce || loaded().isPresent());
    }

    /** What is known of the model since it was first loaded. */
    synchronized Optional<ModelFacts> facts() {
        return loaded().map(LoadedModel::facts).or(() -> facts);
    }

    /** When the model will be unloaded if nobody uses it. */
    synchronized Optional<Instant> expiry() {
        return expiry;
    }

    /** Whether the server is about to stop: no request is let in any more. */
    synchronized boolean closing() {
        return closing;
    }

    /** Lets no request in any more, gives those that run some time to finish, and has the rest end. */
    void drain(Duration grace) throws InterruptedException {
        synchronized (this) {
            closing = true;
        }
        await(grace);
        synchronized (this) {
            ending = true;
            answering.forEach(lease -> lease.whenEnding.run());
        }
        await(END);
    }

    private synchronized void await(Duration grace) throws InterruptedException {
        long end = System.nanoTime() + grace.toNanos();
        for (long left = grace.toMillis(); leases > 0 && left > 0; left = (end - System.nanoTime()) / 1_000_000) {
            wait(left);
        }
    }

    @Override
    public void close() {
        clock.shutdownNow();
        Optional<CompletableFuture<LoadedModel>> last;
        synchronized (this) {
            closing = true;
            last = model;
            model = Optional.empty();
        }
        last.filter(loading -> loading.isDone() && !loading.isCompletedExceptionally()).ifPresent(loading -> loading.join()
                .close());
    }
}
