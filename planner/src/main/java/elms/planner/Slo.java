package elms.planner;

import java.util.Optional;

/**
 * What an app asks for.
 *
 * @param ttft time to first token, counted from the request's arrival
 * @param tpot time per output token after the first
 */
public record Slo(Optional<Limit> ttft, Optional<Limit> tpot) {
    /** No bound: the full model reads and answers. */
    public static final Slo NONE = new Slo(Optional.empty(), Optional.empty());
}
