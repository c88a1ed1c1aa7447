package elms.service;

import elms.engine.ElasticModel;
import elms.engine.decode.Transformer;
import elms.engine.decode.Transformer.Continuation;
import elms.engine.model.SubModel;
import elms.planner.Answering;
import elms.planner.Latency;
import elms.planner.Plan;
import elms.service.Response.FinishReason;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.DoubleSupplier;

/** Does the scheduler's work, a pass of the model at a time, and hands out what comes of it. For the engine's thread. */
final class Passes {
    /** Fewer tokens are not worth a place in the prefix cache. */
    private static final int LEAST_KEPT = 16;
    /** Most time that a first token gets to be heard in, before the next pass takes all processors. */
    private static final long HEARING_NANOS = 400_000;

    private final ElasticModel model;
    private final Transformer transformer;
    private final Scheduler scheduler;
    private final Costs costs;
    private final PrefixCache cache;
    private final ServiceMetrics metrics;
    private final DoubleSupplier clock;

    Passes(ElasticModel model, Transformer transformer, Scheduler scheduler, Costs costs, PrefixCache cache,
            ServiceMetrics metrics, DoubleSupplier clock) {
        this.model = model;
        this.transformer = transformer;
        this.scheduler = scheduler;
        this.costs = costs;
        this.cache = cache;
        this.metrics = metrics;
        this.clock = clock;
    }

    void perform(Work work) {
        switch (work) {
            case Work.Read read -> read(read);
            case Work.Step step -> step(step);
        }
        costs.worked(clock.getAsDouble());
    }

    private void read(Work.Read work) {
        Job job = work.job();
        SubModel level = job.readingLevel();
        int context = job.cache().length();
        double before = clock.getAsDouble();
        Continuation piece = job.read(work.tokens());
        List<Job> scored = new ArrayList<>(work.riders());
        List<Continuation> batch = new ArrayList<>(work.riders().stream().map(Job::continuation).toList());
        batch.add(piece);
        try {
            transformer.read(batch, level);
        } catch (RuntimeException e) {
            scored.add(job);
            scored.forEach(failed -> fail(failed, e));
            return;
        }
        if (work.riders().isEmpty()) {
            costs.readTook(level, context, piece.ids().length, before, clock.getAsDouble() - before);
        }
        if (job.unread() == 0) {
            scheduler.answers(job);
            scored.add(job);
        }
        draw(scored);
    }

    private void step(Work.Step work) {
        List<Job> streams = work.streams();
        double before = clock.getAsDouble();
        try {
            transformer.step(streams.stream().map(Job::continuation).toList(), streams.get(0).level());
        } catch (RuntimeException e) {
            streams.forEach(failed -> fail(failed, e));
            return;
        }
        int context = streams.get(0).cache().length();
        draw(streams);
        costs.stepTook(streams.get(0).level(), streams.size(), context, clock.getAsDouble() - before);
    }

    /** Gives the first sequences of the last pass their next tokens. */
    private void draw(List<Job> jobs) {
        float[][] scores = transformer.candidatesOfFirst(jobs.size());
        double now = clock.getAsDouble();
        for (int i = 0; i < scores.length; i++) {
            Job job = jobs.get(i);
            if (job.answer().tokens() == 0) {
                costs.answers(job, now);
            }
            try {
                float[] own = job.answer().needsAllScores() ? transformer.logitsOf(i) : scores[i];
                job.answer().next(own, job.level().share() < 1, now).ifPresent(reason -> finish(job, reason));
            } catch (RuntimeException e) {
                fail(job, e);
            }
        }
        handOut(now);
    }

    /** Hands out first tokens that need not wait for more of their head start, or cannot. */
    void handOut(double now) {
        List<Job> due = scheduler.running().stream().filter(job -> job.keepsToItself() && !scheduler.holdsBack(job, now)).toList();
        due.forEach(job -> job.answer().handOut(now));
        due.forEach(job -> job.call().awaitHeard(HEARING_NANOS));
    }

    /** Ends a job that has started; what it read goes to the prefix cache. */
    void finish(Job job, FinishReason reason) {
        scheduler.remove(job);
        Answer answer = job.answer();
        Response response = new Response(answer.finish(), reason, job.call().promptTokens(), job.cached(), answer.tokens(),
                job.plan(), job.answeredBy(), job.startedAt() - job.call().arrival(), answer.measured());
        if (job.cache().length() >= LEAST_KEPT) {
            cache.keep(job.call().app(), job.held(), job.cache());
        } else {
            job.cache().close();
        }
        metrics.answered(job.call().app(), response);
        RequestLog.answered(job.call().app(), response);
        job.call().done(response);
    }

    /** Ends a job that has not started. */
    void giveUp(Job job) {
        scheduler.remove(job);
        Latency none = new Latency(OptionalDouble.empty(), OptionalDouble.empty());
        job.call().done(new Response("", FinishReason.CANCELLED, job.call().promptTokens(), 0, 0,
                new Plan(List.of(), Answering.steady(model.full()), job.limit(), none, true, OptionalDouble.empty()), List.of(),
                clock.getAsDouble() - job.call().arrival(), none));
    }

    /** Ends a job that has started and cannot go on. */
    void fail(Job job, RuntimeException reason) {
        scheduler.remove(job);
        job.cache().close();
        RequestLog.failed(job.call().app(), reason);
        job.call().failed(reason);
    }
}
