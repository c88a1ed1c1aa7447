package elms.service;

import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.kernels.Kernels;
import elms.planner.Forecast;
import elms.planner.LatencyModel;
import elms.planner.Plan;
import elms.service.BusyException.Reason;
import elms.service.PrefixCache.Match;
import elms.service.Response.FinishReason;
import elms.service.Scheduler.Start;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** The one thread that computes. It takes calls from a queue, asks the {@link Scheduler} what is next, and has it done. */
final class Engine implements Runnable {
    private final ElasticModel model;
    private final Transformer transformer;
    private final DoubleSupplier clock;
    private final Settings settings;
    private final Forecast forecast;
    private final Planning planning;
    private final Scheduler scheduler;
    private final PrefixCache cache;
    private final Warming warming;
    private final ServiceMetrics metrics;
    private final Costs costs;
    private final Passes passes;
    private final BlockingQueue<Runnable> inbox = new LinkedBlockingQueue<>();
    private boolean closing;
    /** Whether nobody takes from the inbox any more. */
    private volatile boolean ended;

    Engine(ElasticModel model, Kernels kernels, LatencyModel latency, Settings settings, DoubleSupplier clock) {
        this.model = model;
        this.settings = settings;
        this.clock = clock;
        transformer = new Transformer(model.weights(), kernels);
        forecast = new Forecast(latency);
        planning = new Planning(model, forecast, settings);
        costs = new Costs(forecast);
        scheduler = new Scheduler(settings.policy(), model.levels(), costs, transformer.mixesPromptsWithAnswers());
        cache = new PrefixCache(settings.cacheBytes());
        warming = new Warming(transformer, model.full(), cache);
        metrics = new ServiceMetrics(settings.meters(), model.name(), settings.cacheBytes());
        passes = new Passes(model, transformer, scheduler, costs, cache, metrics, clock);
    }

    void submit(Call call) {
        inbox.add(() -> accept(call));
        if (ended) {
            drain();
        }
    }

    /** Keeps the beginning of an app's prompts ready from now on, as soon as there is time. */
    void warm(AppProfile app, int[] beginning) {
        inbox.add(() -> warming.add(app, beginning));
    }

    /** Gives back what is kept for an app. */
    void forget(String app) {
        inbox.add(() -> {
            warming.forget(app);
            cache.forget(app);
        });
    }

    /** Lets no measurement count that was made so far. */
    void forgetSpeed() {
        inbox.add(costs::forget);
    }

    /** What a call would get if it came now. Nothing is computed. */
    Plan preview(Call call) {
        return ask(() -> {
            double waited = waited(call);
            return choose(call, cached -> planning.plan(call, cached, waited, !settings.policy().aware(), Optional.empty())).plan();
        });
    }

    /** The answer to something that only the engine's thread may look at, or do, between two passes. */
    <T> T ask(Supplier<T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        inbox.add(() -> {
            try {
                if (closing) {
                    throw new BusyException(Reason.CLOSED, "the service is closed");
                }
                answer.complete(question.get());
            } catch (RuntimeException e) {
                answer.completeExceptionally(e);
            }
        });
        if (ended) {
            drain();
        }
        try {
            return answer.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException reason ? reason : e;
        }
    }

    /** For {@link #ask} alone: nobody else may use it. */
    Transformer transformer() {
        return transformer;
    }

    /** Ends the thread when all that has started is finished. What waits is refused. */
    void close() {
        inbox.add(() -> closing = true);
    }

    @Override
    public void run() {
        try {
            while (!closing || !scheduler.idle()) {
                takeIn();
                sortOut();
                start();
                passes.handOut(clock.getAsDouble());
                scheduler.settle(clock.getAsDouble());
                scheduler.next(clock.getAsDouble()).ifPresentOrElse(passes::perform, warming::advance);
                metrics.state(scheduler.waiting().size(), scheduler.running().size(), cache.bytes());
            }
        } catch (RuntimeException | Error e) {
            ElmsException reason = new ElmsException("the service has failed and must be opened again: " + e, e);
            scheduler.running().forEach(job -> passes.fail(job, reason));
            scheduler.waiting().forEach(job -> job.call().failed(reason));
        } finally {
            closing = true;
            ended = true;
            drain();
            warming.close();
            cache.close();
            metrics.close();
        }
    }

    /** Takes what has come; waits for something if there is nothing to do. */
    private void takeIn() {
        try {
            if (scheduler.idle() && warming.done() && !closing) {
                inbox.take().run();
            }
            drain();
        } catch (InterruptedException e) {
            closing = true;
        }
    }

    private void drain() {
        for (Runnable next = inbox.poll(); next != null; next = inbox.poll()) {
            next.run();
        }
    }

    private void accept(Call call) {
        if (closing) {
            refuse(call, Reason.CLOSED, "the service is closed");
        } else if (scheduler.waiting().size() >= settings.mostWaiting()) {
            refuse(call, Reason.QUEUE_FULL, settings.mostWaiting() + " requests are waiting already; try again later");
        } else {
            int found = find(call, level -> true).map(Match::length).orElse(0);
            scheduler.add(new Job(call, planning.limit(call.prompt(), call.longest(), call.request().slo()),
                    planning.levels(call), found, planning.leastTokens(call, found)));
        }
    }

    private void refuse(Call call, Reason reason, String message) {
        metrics.refused(call.app(), reason);
        call.failed(new BusyException(reason, message));
    }

    private Optional<Match> find(Call call, Predicate<SubModel> wanted) {
        return cache.find(call.app(), call.prompt().encoding().ids(),
                level -> wanted.test(level) && planning.mayRead(call, level));
    }

    /** Lets go of what is given up, or waits in vain. */
    private void sortOut() {
        scheduler.running().stream().filter(job -> job.call().cancelled())
                .forEach(job -> passes.finish(job, FinishReason.CANCELLED));
        for (Job job : scheduler.waiting()) {
            if (job.call().cancelled()) {
                passes.giveUp(job);
            } else if (closing) {
                scheduler.remove(job);
                refuse(job.call(), Reason.CLOSED, "the service is closed");
            }
        }
        for (Job job : scheduler.nowLate(clock.getAsDouble())) {
            if (settings.policy().dropsLate()) {
                scheduler.remove(job);
                refuse(job.call(), Reason.LATE, "the first token would come too late");
            } else {
                job.makeLate();
            }
        }
    }

    private void start() {
        Optional<Start> next = scheduler.start(clock.getAsDouble());
        while (next.isPresent()) {
            begin(next.get());
            next = scheduler.start(clock.getAsDouble());
        }
    }

    private void begin(Start start) {
        Job job = start.job();
        Call call = job.call();
        try {
            Choice choice = choose(call, cached -> plan(job, cached, start.answer()));
            Optional<Match> cached = choice.cached();
            Plan plan = choice.plan();
            double room = start.answer().map(SubModel::share).orElse(1.0);
            if (call.request().floor().boundsLoss() && plan.decode().share() > room) {
                scheduler.postpone(job, plan.decode());
                return;
            }
            call.planned(plan);
            if (call.request().strict() && !plan.feasible()) {
                metrics.infeasible(call.app());
                throw new InfeasibleException(plan, call.request().floor());
            }
            int tokens = plan.promptTokens() + call.longest();
            KvCache own = cached.isPresent() ? cached.get().source().fork(cached.get().length(), tokens)
                    : transformer.newCache(tokens);
            double now = clock.getAsDouble();
            job.start(plan, new Answer(call, plan, model.tokenizer()), own, now);
            costs.starts(job, now);
        } catch (RuntimeException e) {
            scheduler.remove(job);
            call.failed(e);
        }
    }

    /** A plan, and what of its prompt need not be read. */
    private record Choice(Optional<Match> cached, Plan plan) {}

    /** Plans with what the full model has read before if that lets it read the rest too, else with all that is cached. */
    private Choice choose(Call call, Function<Optional<Match>, Plan> plans) {
        Optional<Match> full = find(call, level -> level == model.full());
        Plan plan = plans.apply(full);
        Optional<Match> any = find(call, level -> true);
        boolean same = any.map(Match::length).equals(full.map(Match::length));
        return same || plan.feasible() && plan.prefillLevel() == 1 ? new Choice(full, plan) : new Choice(any, plans.apply(any));
    }

    private Plan plan(Job job, Optional<Match> cached, Optional<SubModel> answer) {
        double waited = waited(job.call()) + scheduler.readingBefore(job);
        return planning.plan(job.call(), cached, waited, job.late() || !settings.policy().aware(), answer);
    }

    /** Milliseconds that are gone since a call came, and those that it takes more where nothing was computed for a while. */
    private double waited(Call call) {
        double now = clock.getAsDouble();
        return now - call.arrival() + costs.waking(now);
    }
}
