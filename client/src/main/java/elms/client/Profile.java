package elms.client;

import java.util.Optional;

/**
 * How an app uses the service.
 *
 * @param name tells apps apart
 * @param ttft time to first token of its requests that ask for none: a share of the full model's (0.4) or a time (300ms)
 * @param tpot time per output token, likewise
 * @param system how its chats begin; kept ready. May be empty
 * @param tools that its chats offer, as JSON in OpenAI's form; kept ready behind the system prompt
 * @param priority each step puts its requests a second ahead in the queue; 0 is usual
 * @param quota most requests that wait or run at once
 */
public record Profile(String name, Optional<String> ttft, Optional<String> tpot, String system, Optional<String> tools,
        int priority, int quota) {
    private static final int USUAL_QUOTA = 64;

    /** An app without an SLO or a system prompt of its own. */
    public static Profile of(String name) {
        return new Profile(name, Optional.empty(), Optional.empty(), "", Optional.empty(), 0, USUAL_QUOTA);
    }

    public Profile withSlo(String usualTtft, String usualTpot) {
        return new Profile(name, Optional.of(usualTtft), Optional.of(usualTpot), system, tools, priority, quota);
    }

    public Profile withSystem(String beginning) {
        return new Profile(name, ttft, tpot, beginning, tools, priority, quota);
    }

    public Profile withTools(String offered) {
        return new Profile(name, ttft, tpot, system, Optional.of(offered), priority, quota);
    }

    public Profile withPriority(int steps) {
        return new Profile(name, ttft, tpot, system, tools, steps, quota);
    }

    public Profile withQuota(int requests) {
        return new Profile(name, ttft, tpot, system, tools, priority, requests);
    }
}
