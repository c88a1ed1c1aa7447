package elms.service;

import elms.engine.model.SubModel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Decides who is next. Every request has a deadline for its first token, every stream one for its next; the earliest goes first
 * (Liu and Layland, 1973). A request starts when that costs no stream its pace, so what has begun is finished in time; what
 * cannot be in time is in no hurry any more and shares the gaps. Computes nothing, and knows the time only as it is told:
 * milliseconds on the service's clock.
 */
final class Scheduler {
    /** Tokens in a pass that reads a prompt while others wait for their next token. */
    private static final int SMALL_CHUNK = 32;
    /** Tokens in a pass that reads a prompt while nobody waits: who arrives meanwhile waits for so many. */
    private static final int CHUNK = 128;
    /** Waiting requests of which one may start. */
    private static final int MOST_TRIED = 16;
    /** Most streams in no hurry at once; further ones wait, so that there is room for others. */
    private static final int MOST_CALM = 8;
    /** Most of the time that they are counted with. */
    private static final double MOST_CALM_SHARE = 0.5;
    /** A stream whose pace needs steps faster than so much of its fastest one has lost it. */
    private static final double IN_VAIN = 0.8;

    /**
     * A job that starts.
     *
     * @param answer the level that the load allows for its answer; absent if the job is planned as if alone
     */
    record Start(Job job, Optional<SubModel> answer) {}

    /** Streams that a step continues together: those in no hurry would only lengthen the others' steps. */
    private record Group(SubModel level, boolean calm) {
        Group(Job job) {
            this(job.level(), job.calm());
        }
    }

    private final Policy policy;
    private final List<SubModel> levels;
    private final Costs costs;
    private final boolean mixes;
    private final Comparator<Job> order;
    private final List<Job> waiting = new ArrayList<>();
    private final List<Job> reading = new ArrayList<>();
    private final List<Job> answering = new ArrayList<>();

    /**
     * @param levels of the model, largest first
     * @param mixes whether a pass that reads a prompt may take answers a step further
     */
    Scheduler(Policy policy, List<SubModel> levels, Costs costs, boolean mixes) {
        this.policy = policy;
        this.levels = levels;
        this.costs = costs;
        this.mixes = mixes;
        order = policy.byDeadline() ? Comparator.comparingDouble(Job::urgency)
                : Comparator.comparingDouble(job -> job.call().arrival());
    }

    void add(Job job) {
        waiting.add(job);
    }

    List<Job> waiting() {
        return List.copyOf(waiting);
    }

    /** Jobs that have started. */
    List<Job> running() {
        return Stream.concat(reading.stream(), answering.stream()).toList();
    }

    boolean idle() {
        return waiting.isEmpty() && reading.isEmpty() && answering.isEmpty();
    }

    void remove(Job job) {
        waiting.remove(job);
        reading.remove(job);
        answering.remove(job);
    }

    /** The prompt of a job has been read. */
    void answers(Job job) {
        reading.remove(job);
        answering.add(job);
    }

    /** Requests that are unlikely to be in time any more, or have found no room beside others for too long. */
    List<Job> nowLate(double now) {
        return waiting.stream().filter(job -> !job.late())
                .filter(job -> now + (job.hurried() ? leastReading(job) : 0) > job.deadline()).toList();
    }

    /** The next job to start now, if one can. It is in the hands of the scheduler still, as one that reads. */
    Optional<Start> start(double now) {
        waiting.sort(order);
        for (Job job : waiting.subList(0, Math.min(MOST_TRIED, waiting.size()))) {
            Optional<Start> start = policy.aware() ? fitting(job, now) : alone(job, policy.streams());
            if (start.isPresent()) {
                waiting.remove(job);
                reading.add(job);
                return start;
            }
        }
        return Optional.empty();
    }

    private Optional<Start> alone(Job job, int streams) {
        return reading.size() + answering.size() < streams ? Optional.of(new Start(job, Optional.empty())) : Optional.empty();
    }

    /** A job that was to start needs more for its answer than it would have got: it waits until that level has room. */
    void postpone(Job job, SubModel answer) {
        job.requireAnswer(answer);
        reading.remove(job);
        waiting.add(job);
    }

    /** Starts a job if all that run keep their pace, at the largest level for its answer that lets them. */
    private Optional<Start> fitting(Job job, double now) {
        List<Job> others = running();
        if (others.isEmpty()) {
            return alone(job, policy.streams());
        }
        if (job.calm()) {
            return others.stream().filter(Job::calm).count() < MOST_CALM ? alone(job, policy.streams()) : Optional.empty();
        }
        double ready = now + remainingReading() + likelyReading(job, now);
        boolean spoils = reading.stream().anyMatch(other -> other.hurried() && ready > other.deadline());
        if (spoils || job.hurried() && ready > job.deadline() || others.size() >= policy.streams()) {
            return Optional.empty();
        }
        for (SubModel most : levels) {
            SubModel own = job.within(job.largest(), most);
            if (job.stepLimit() >= round(others, most, Optional.of(own)) && keepPace(others, most, Optional.of(own), ready)) {
                return Optional.of(new Start(job, Optional.of(own)));
            }
        }
        return Optional.empty();
    }

    /**
     * Gives every stream the largest level, up to its plan's, at which all keep their pace: one bound for all, so that they share
     * passes. A stream that has the machine to itself gets the full model while it is ahead. Whose first token came too late, or who
     * cannot keep its pace any more, is in no hurry from then on.
     */
    void settle(double now) {
        if (!policy.aware()) {
            return;
        }
        List<Job> all = running();
        all.stream().filter(job -> job.missesFirst(now)).forEach(Job::makeLate);
        answering.stream().filter(job -> job.pace(now) < IN_VAIN * least(job)).forEach(Job::makeLate);
        double ready = now + remainingReading();
        SubModel most = levels.stream().filter(level -> keepPace(all, level, Optional.empty(), ready)).findFirst()
                .orElse(levels.get(levels.size() - 1));
        all.stream().filter(job -> !job.calm()).forEach(job -> job.setLevel(
                job.within(undisturbed() && job.ahead(now, fullStep(job)) ? job.largest() : job.plan().decode(), most)));
    }

    /** Whether a job's first token waits for those that are to be handed out with it; no longer where others run or wait. */
    boolean holdsBack(Job job, double now) {
        return undisturbed() && job.holdsBack(now, fullStep(job));
    }

    /** Whether one job has the machine to itself. */
    private boolean undisturbed() {
        return waiting.isEmpty() && reading.size() + answering.size() == 1;
    }

    private double fullStep(Job job) {
        return costs.step(job.largest(), context(job));
    }

    private double least(Job job) {
        return costs.step(job.leastAnswer(), context(job));
    }

    private boolean keepPace(List<Job> jobs, SubModel most, Optional<SubModel> added, double ready) {
        double round = round(jobs, most, added);
        return jobs.stream().filter(job -> !job.calm()).allMatch(job -> round <= job.pace(ready));
    }

    /**
     * Milliseconds until every stream in a hurry has its next token, when none is above some level. The others take their share
     * of the time.
     */
    private double round(List<Job> jobs, SubModel most, Optional<SubModel> added) {
        Map<SubModel, Integer> streams = new HashMap<>();
        added.ifPresent(level -> streams.merge(level, 1, Integer::sum));
        Map<SubModel, Integer> calm = new HashMap<>();
        for (Job job : jobs) {
            if (job.calm()) {
                calm.merge(job.level(), 1, Integer::sum);
            } else {
                streams.merge(job.within(job.plan().decode(), most), 1, Integer::sum);
            }
        }
        int context = jobs.stream().mapToInt(Scheduler::context).max().orElse(0);
        double share = Math.min(MOST_CALM_SHARE, steps(calm, context) / Job.UNHURRIED_STEP);
        return steps(streams, context) / (1 - share);
    }

    private double steps(Map<SubModel, Integer> streams, int context) {
        return streams.entrySet().stream().mapToDouble(group -> costs.step(group.getKey(), group.getValue(), context)).sum();
    }

    private double remainingReading() {
        return reading.stream().filter(Job::hurried).mapToDouble(this::remainingReading).sum();
    }

    /** Milliseconds of reading that come before a job that starts now. */
    double readingBefore(Job job) {
        return reading.stream().filter(other -> other != job && order.compare(other, job) < 0)
                .mapToDouble(this::remainingReading).sum();
    }

    /** What is to be computed next, if anything is. */
    Optional<Work> next(double now) {
        Optional<List<Job>> step = answering.stream().collect(Collectors.groupingBy(Group::new)).values().stream()
                .min(Comparator.comparingDouble(this::latestStart));
        if (reading.isEmpty()) {
            return step.map(Work.Step::new);
        }
        Job read = Collections.min(reading, order);
        SubModel level = read.readingLevel();
        if (step.isEmpty()) {
            return Optional.of(new Work.Read(read, CHUNK, List.of()));
        }
        List<Job> riders = answering.stream().filter(job -> mixes && job.level() == level).limit(Costs.MOST_STREAMS).toList();
        double slack = latestStart(step.get()) - now + (riders.containsAll(step.get()) ? stepMillis(step.get()) : 0);
        double laxity = read.deadline() - now - remainingReading(read);
        int small = Math.min(SMALL_CHUNK, read.unreadOfLevel());
        if (laxity <= slack || costs.read(level, read.cache().length(), small) <= slack) {
            return Optional.of(new Work.Read(read, SMALL_CHUNK, riders));
        }
        return step.map(Work.Step::new);
    }

    private double latestStart(List<Job> streams) {
        return streams.stream().mapToDouble(job -> job.nextDue(fullStep(job))).min().orElse(Double.POSITIVE_INFINITY) - stepMillis(streams);
    }

    private double stepMillis(List<Job> streams) {
        int context = streams.stream().mapToInt(Scheduler::context).max().orElse(0);
        return costs.step(streams.get(0).level(), streams.size(), context);
    }

    private static int context(Job job) {
        return job.call().prompt().tokens() + job.call().longest() / 2;
    }

    private double remainingReading(Job job) {
        return job.unread() == 0 ? 0 : costs.read(job.readingLevel(), job.cache().length(), job.unread());
    }

    /** Time that it likely takes to read a waiting prompt on the smallest level that it may have. */
    private double leastReading(Job job) {
        return costs.likelyRead(job.smallest(), job.found(), job.leastTokens());
    }

    /** Time to read a waiting prompt on the full level, or the little time that it has. */
    private double likelyReading(Job job, double now) {
        double full = costs.read(job.largest(), job.found(), job.call().prompt().tokens() - job.found());
        return job.hurried() ? Math.max(leastReading(job), Math.min(full, job.deadline() - now)) : full;
    }
}
