package elms.service;

import elms.engine.ElmsException;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;

/**
 * Bounds of a service, and where it counts.
 *
 * @param mostWaiting requests that may wait; more are refused
 * @param cacheBytes most memory of the prefix cache
 * @param policy how requests are ordered and planned
 * @param meters where the metrics go
 */
public record Settings(int mostWaiting, long cacheBytes, Policy policy, MeterRegistry meters) {
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
        return new Settings(USUAL_WAITING, USUAL_CACHE_BYTES, Policy.ELMS, new CompositeMeterRegistry());
    }

    public Settings withMeters(MeterRegistry registry) {
        return new Settings(mostWaiting, cacheBytes, policy, registry);
    }

    public Settings withMostWaiting(int requests) {
        return new Settings(requests, cacheBytes, policy, meters);
    }

    public Settings withCacheBytes(long bytes) {
        return new Settings(mostWaiting, bytes, policy, meters);
    }

    public Settings withPolicy(Policy other) {
        return new Settings(mostWaiting, cacheBytes, other, meters);
    }
}
