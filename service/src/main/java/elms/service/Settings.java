package elms.service;

import elms.engine.ElmsException;
import elms.planner.PlanForm;
import elms.planner.compact.PromptReader;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import java.util.Optional;

/**
 * Bounds of a service, and where it counts.
 *
 * @param mostWaiting requests that may wait; more are refused
 * @param cacheBytes most memory of the prefix cache
 * @param policy how requests are ordered and planned
 * @param meters where the metrics go, under the model's name: services of one model need a registry each
 * @param reader what reads prompts for the planner, on the service's kernels; without it a prompt is read whole, at one level
 * @param form what plans may look like
 */
public record Settings(int mostWaiting, long cacheBytes, Policy policy, MeterRegistry meters, Optional<PromptReader> reader,
        PlanForm form) {
    private static final int USUAL_WAITING = 256;
    private static final long USUAL_CACHE_BYTES = 256L << 20;

    public Settings {
        if (mostWaiting < 1) {
            throw new ElmsException("the queue holds " + mostWaiting + " requests, but must hold at least 1");
        }
        if (cacheBytes < 0) {
            throw new ElmsException("the prefix cache has " + cacheBytes + " bytes, but must have 0 or more");
        }
    }

    /** 256 requests may wait, 256 MB are for the prefix cache, nothing is counted. */
    public static Settings usual() {
        return new Settings(USUAL_WAITING, USUAL_CACHE_BYTES, Policy.ELMS, new CompositeMeterRegistry(), Optional.empty(),
                PlanForm.ELMS);
    }

    public Settings withMeters(MeterRegistry registry) {
        return new Settings(mostWaiting, cacheBytes, policy, registry, reader, form);
    }

    public Settings withMostWaiting(int requests) {
        return new Settings(requests, cacheBytes, policy, meters, reader, form);
    }

    public Settings withCacheBytes(long bytes) {
        return new Settings(mostWaiting, bytes, policy, meters, reader, form);
    }

    public Settings withPolicy(Policy other) {
        return new Settings(mostWaiting, cacheBytes, other, meters, reader, form);
    }

    public Settings withPlanner(Optional<PromptReader> other, PlanForm plans) {
        return new Settings(mostWaiting, cacheBytes, policy, meters, other, plans);
    }
}
