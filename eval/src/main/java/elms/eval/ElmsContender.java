package elms.eval;

import elms.engine.ElasticModel;
import elms.engine.model.SubModel;
import elms.kernels.Kernels;
import elms.planner.Answering;
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
                    return Optional.of(new Served(response.plan(), answering(response), response.measured()));
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

    private Answering answering(Response response) {
        List<SubModel> levels = response.answeredBy();
        int full = (int) levels.stream().takeWhile(level -> level == model.full()).count();
        double rest = levels.stream().skip(full).mapToDouble(SubModel::share).average().orElse(1);
        return new Answering(1, 1 + full, model.nearest(rest));
    }

    private Request request(ServedApp app, Question question) {
        return app.request(question).withPin(pin);
    }
}
