package elms.eval;

import elms.engine.ElasticModel;
import elms.kernels.Kernels;
import elms.planner.LatencyModel;
import elms.planner.Limit;
import elms.planner.Slo;
import elms.service.Binding;
import elms.service.BusyException;
import elms.service.ElmsService;
import elms.service.Listener;
import elms.service.Pin;
import elms.service.Request;
import elms.service.Response;
import elms.service.Settings;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The service in this process.
 *
 * @param settings with the policy
 * @param pin the levels of every request, instead of planning
 */
record ElmsContender(String name, ElasticModel model, Kernels kernels, LatencyModel latency, Settings settings, Optional<Pin> pin,
        List<ServedApp> apps) implements Contender {
    /** So that a request which only fills caches is never late. */
    private static final Slo PATIENT = new Slo(Optional.of(new Limit.Time(1e9)), Optional.empty());

    @Override
    public Session start() {
        ElmsService service = ElmsService.open(model, kernels, latency, settings);
        Map<ServedApp, Binding> bindings = apps.stream().collect(Collectors.toMap(app -> app, app -> service.bind(app.profile())));
        bindings.forEach((app, binding) ->
                binding.call(request(app, app.questions().getLast()).withSlo(PATIENT), Listener.NONE));
        return new Session() {
            @Override
            public Optional<Served> answer(ServedApp app, Question question) {
                try {
                    Response response = bindings.get(app).call(request(app, question), Listener.NONE);
                    return Optional.of(new Served(response.plan(), model.nearest(response.answerLevel()), response.measured()));
                } catch (BusyException e) {
                    return Optional.empty();
                }
            }

            @Override
            public void close() {
                service.close();
            }
        };
    }

    private Request request(ServedApp app, Question question) {
        return app.request(question).withPin(pin);
    }
}
