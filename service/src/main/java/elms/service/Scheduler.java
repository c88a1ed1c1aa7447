package elms.service;

import elms.engine.model.SubModel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Decides who is next. Every request has a deadline for its first token, every stream one for its next; the earliest goes first
 * (Liu and Layland, 1973). A request starts when that costs no stream its pace, so what has begun is finished in time, and what
 * cannot be in time waits until it disturbs nobody, or has waited long enough. Computes nothing, and knows the time only as it is
 * told: milliseconds on the service's clock.
 */
final class Scheduler {
    /** Tokens in a pass that reads a prompt while others wait for their next token. */
    private static final int SMALL_CHUNK = 32;
    /** Tokens in a pass that reads a prompt while nobody waits: who arrives meanwhile waits for so many. */
    private static final int CHUNK = 128;

    /**
     * A job that starts.
     *
     * @param answer the level that the load allows for its answer; absent if the job is planned as if alone
     */
    record Start(Job job, Optional<SubModel> answer) {}

    private final Policy policy;
    private final Planning planning;
    private final Costs costs;
    private final Comparator<Job> order;
    private final List<Job> waiting = new ArrayList<>();
    private final List<Job> reading = new ArrayList<>();
    private final List<Job> answering = new ArrayList<>();

    Scheduler(Policy policy, Planning planning, Costs costs) {
        this.policy = policy;
        this.planning = planning;
        this.costs = costs;
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

    /** Requests whose first token cannot come in time any more. */
    List<Job> nowLate(double now) {
        return waiting.stream().filter(job -> job.hurried() && now + leastReading(job) > job.deadline()).toList();
    }

    /** The next job to start now, if one can. It is in the hands of the scheduler still, as one that reads. */
    Optional<Start> start(double now) {
        if (reading.size() + answering.size() >= policy.streams()) {
            return Optional.empty();
        }
        waiting.sort(order);
        for (Job job : waiting) {
            Optional<Start> start = policy.aware() ? fitting(job, now) : Optional.of(new Start(job, Optional.empty()));
            if (start.isPresent()) {
                waiting.remove(job);
                reading.add(job);
                return start;
            }
        }
        return Optional.empty();
    }

    /** Starts a job at the largest level for its answer at which all that run keep their pace. */
    private Optional<Start> fitting(Job job, double now) {
        List<Job> others = running();
        if (others.isEmpty()) {
            return Optional.of(new Start(job, Optional.empty()));
        }
        double free = now + reading.stream().mapToDouble(this::remainingReading).sum();
        double ready = free + likelyReading(job, now);
        if (reading.stream().anyMatch(other -> other.hurried() && ready > other.deadline()) || job.hurried() && ready > job.deadline()) {
            return Optional.empty();
        }
        double allowed = job.stepLimit();
        for (Job other : others) {
            boolean inVain = other.pace(free) < costs.step(other.plan().decode(), context(other));
            allowed = Math.min(allowed, inVain ? Job.UNHURRIED_STEP : other.pace(ready));
        }
        for (SubModel level : planning.levels(job.call())) {
            if (round(others, job, level) <= allowed) {
                return Optional.of(new Start(job, Optional.of(level)));
            }
        }
        return now > job.deadline() ? Optional.of(new Start(job, Optional.empty())) : Optional.empty();
    }

    /** Milliseconds of reading that come before a job that starts now. */
    double readingBefore(Job job) {
        return reading.stream().filter(other -> other != job && order.compare(other, job) < 0).mapToDouble(this::remainingReading).sum();
    }

    /** Milliseconds until every running stream and a further one has its next token. */
    private double round(List<Job> others, Job added, SubModel level) {
        Map<SubModel, Long> streams = others.stream().map(job -> job.plan().decode())
                .collect(Collectors.groupingBy(own -> own, Collectors.counting()));
        streams.merge(level, 1L, Long::sum);
        int context = Math.max(added.call().prompt().tokens(), others.stream().mapToInt(Scheduler::context).max().orElse(0));
        return streams.entrySet().stream().mapToDouble(group -> costs.step(group.getKey(), group.getValue().intValue(), context)).sum();
    }

    /** What is to be computed next, if anything is. */
    Optional<Work> next(double now) {
        Optional<List<Job>> step = answering.stream().collect(Collectors.groupingBy(job -> job.plan().decode())).values().stream()
                .min(Comparator.comparingDouble(streams -> latestStart(streams)));
        if (reading.isEmpty()) {
            return step.map(Work.Step::new);
        }
        Job read = Collections.min(reading, order);
        SubModel level = read.readingLevel();
        if (step.isEmpty()) {
            return Optional.of(new Work.Read(read, CHUNK, List.of()));
        }
        List<Job> riders = answering.stream().filter(job -> job.plan().decode() == level).limit(Costs.MOST_STREAMS).toList();
        double slack = latestStart(step.get()) - now + (riders.containsAll(step.get()) ? stepMillis(step.get()) : 0);
        double laxity = read.deadline() - now - remainingReading(read);
        int small = Math.min(SMALL_CHUNK, read.unreadOfLevel());
        if (laxity <= slack || costs.read(level, read.cache().length(), small) <= slack) {
            return Optional.of(new Work.Read(read, SMALL_CHUNK, riders));
        }
        return step.map(Work.Step::new);
    }

    private double latestStart(List<Job> streams) {
        return streams.stream().mapToDouble(Job::nextDue).min().orElse(Double.POSITIVE_INFINITY) - stepMillis(streams);
    }

    private double stepMillis(List<Job> streams) {
        int context = streams.stream().mapToInt(Scheduler::context).max().orElse(0);
        return costs.step(streams.get(0).plan().decode(), streams.size(), context);
    }

    private static int context(Job job) {
        return job.call().prompt().tokens() + job.call().longest() / 2;
    }

    private double remainingReading(Job job) {
        return costs.read(job.plan().spans().get(0).level(), job.cache().length(), job.unread());
    }

    /** Time to read a waiting prompt on the smallest level that it may have. */
    private double leastReading(Job job) {
        List<SubModel> levels = planning.levels(job.call());
        return costs.read(levels.get(levels.size() - 1), job.found(), job.leastTokens());
    }

    /** Time to read a waiting prompt on the full level, or the little time that it has. */
    private double likelyReading(Job job, double now) {
        double full = costs.read(planning.levels(job.call()).get(0), job.found(), job.call().prompt().tokens() - job.found());
        return job.hurried() ? Math.max(leastReading(job), Math.min(full, job.deadline() - now)) : full;
    }
}
