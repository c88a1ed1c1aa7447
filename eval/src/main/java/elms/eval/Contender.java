package elms.eval;

import elms.planner.Answering;
import elms.planner.Latency;
import elms.planner.Plan;
import java.util.Optional;
import java.util.OptionalDouble;

/** A way to serve apps under load. */
interface Contender {
    String name();

    /** Starts it for one run, with every app's examples in its prefix cache. */
    Session start();

    /** One run. Thread-safe: requests come at the same time. */
    interface Session extends AutoCloseable {
        /** Answers an app's request, whose clock starts now; empty if it is refused. */
        Optional<Served> answer(ServedApp app, Question question);

        @Override
        void close();
    }

    /**
     * What came of a request.
     *
     * @param plan how the prompt was read, with the request's bounds
     * @param answering who answered
     * @param measured both latencies, from the request's arrival
     */
    record Served(Plan plan, Answering answering, Latency measured) {
        boolean sloMet() {
            return measured.within(plan.slo());
        }

        boolean ttftMet() {
            return new Latency(measured.ttftMillis(), OptionalDouble.empty()).within(plan.slo());
        }

        boolean tpotMet() {
            return new Latency(OptionalDouble.empty(), measured.tpotMillis()).within(plan.slo());
        }
    }
}
