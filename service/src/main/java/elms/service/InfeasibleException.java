package elms.service;

import elms.engine.ElmsException;
import elms.planner.Plan;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.StringJoiner;

/** A strict request whose SLO no plan is predicted to keep. Nothing was computed for it. */
public final class InfeasibleException extends ElmsException {
    InfeasibleException(Plan plan, Floor floor) {
        super("no plan keeps this SLO" + (floor.equals(Floor.NONE) ? ": " : " and its floor: ") + missed(plan)
                + "; ask for more time, or for best effort");
    }

    private static String missed(Plan plan) {
        StringJoiner missed = new StringJoiner(" and ");
        describe("TTFT", plan.predicted().ttftMillis(), plan.slo().ttftMillis(), missed);
        describe("TPOT", plan.predicted().tpotMillis(), plan.slo().tpotMillis(), missed);
        return missed.toString();
    }

    private static void describe(String name, OptionalDouble predicted, OptionalDouble limit, StringJoiner missed) {
        if (limit.isPresent() && predicted.getAsDouble() > limit.getAsDouble()) {
            missed.add(String.format(Locale.ROOT, "a %s of %.1f ms is asked for, %.1f ms is the least", name, limit.getAsDouble(),
                    predicted.getAsDouble()));
        }
    }
}
