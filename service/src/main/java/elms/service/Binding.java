package elms.service;

import elms.engine.ElmsException;
import elms.planner.Plan;

/** An app's connection to the service. Thread-safe: calls may run at the same time. */
public interface Binding extends AutoCloseable {
    AppProfile profile();

    /**
     * Answers a request and returns when the answer is complete. The clock of its SLO starts now. A call whose thread is
     * interrupted ends as if cancelled, with the thread's interrupt flag set.
     *
     * @param listener called on this thread; a slow one delays nobody else
     * @throws InfeasibleException if a strict request's SLO is predicted to be missed
     * @throws BusyException if there is no room for the request, now or, when the service or the binding is closed, ever
     * @throws ElmsException if the prompt does not fit the context, or a token is named that the model does not have
     */
    Response call(Request request, Listener listener);

    /**
     * The plan that a request would get if it came now and nobody were before it. Nothing is computed for it.
     *
     * @throws ElmsException if the prompt does not fit the context
     */
    Plan plan(Request request);

    /** Unbinds the app: later calls are refused, its part of the prefix cache is given back. Calls that run are finished. */
    @Override
    void close();
}
