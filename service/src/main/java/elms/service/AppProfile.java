package elms.service;

import elms.engine.ElmsException;
import elms.engine.text.Message;
import elms.planner.Slo;
import java.util.List;
import java.util.regex.Pattern;

/**
 * How an app uses the service.
 *
 * @param name tells apps apart, in metrics and logs too
 * @param slo of its requests that bring none
 * @param system how its chats begin, with its tools if they are described there; kept ready in the prefix cache. May be empty
 * @param priority each step puts its requests a second ahead in the queue; 0 is usual
 * @param quota most requests that wait or run at once
 * @param toolsMinLevel least level for tool calls and JSON, as a share of the decoder
 * @param publicCache whether it shares its part of the prefix cache with other apps that say so too
 */
public record AppProfile(String name, Slo slo, List<Message> system, int priority, int quota, double toolsMinLevel,
        boolean publicCache) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    private static final int MOST_PRIORITY = 60;
    private static final int MOST_QUOTA = 1024;
    private static final int USUAL_QUOTA = 64;

    public AppProfile {
        system = List.copyOf(system);
        if (!NAME.matcher(name).matches()) {
            throw new ElmsException("'" + name + "' is no name of an app; use up to 64 letters, digits, dots, dashes"
                    + " and underscores");
        }
        if (Math.abs((long) priority) > MOST_PRIORITY) {
            throw new ElmsException("the priority is " + priority + ", but must be between -" + MOST_PRIORITY + " and "
                    + MOST_PRIORITY);
        }
        if (quota < 1 || quota > MOST_QUOTA) {
            throw new ElmsException("the quota is " + quota + " requests, but must be between 1 and " + MOST_QUOTA);
        }
        if (!(toolsMinLevel >= 0 && toolsMinLevel <= 1)) {
            throw new ElmsException("the least level for tools is " + toolsMinLevel + ", but must be between 0 and 1");
        }
    }

    /** An app without a default SLO or a system prompt of its own; its tool calls and JSON get the full model. */
    public static AppProfile of(String name) {
        return new AppProfile(name, Slo.NONE, List.of(), 0, USUAL_QUOTA, 1, false);
    }

    public AppProfile withSlo(Slo usual) {
        return new AppProfile(name, usual, system, priority, quota, toolsMinLevel, publicCache);
    }

    public AppProfile withSystem(List<Message> beginning) {
        return new AppProfile(name, slo, beginning, priority, quota, toolsMinLevel, publicCache);
    }

    public AppProfile withPriority(int steps) {
        return new AppProfile(name, slo, system, steps, quota, toolsMinLevel, publicCache);
    }

    public AppProfile withQuota(int requests) {
        return new AppProfile(name, slo, system, priority, requests, toolsMinLevel, publicCache);
    }

    public AppProfile withToolsMinLevel(double share) {
        return new AppProfile(name, slo, system, priority, quota, share, publicCache);
    }

    public AppProfile withPublicCache(boolean shared) {
        return new AppProfile(name, slo, system, priority, quota, toolsMinLevel, shared);
    }
}
