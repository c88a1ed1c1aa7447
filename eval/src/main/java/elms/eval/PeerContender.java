package elms.eval;

import elms.engine.ElasticModel;
import elms.engine.model.SubModel;
import elms.engine.text.Message;
import elms.planner.Answering;
import elms.planner.Forecast;
import elms.planner.LatencyModel;
import elms.planner.Plan;
import elms.planner.PlanForm;
import elms.planner.Planner;
import elms.planner.Prompts;
import java.util.List;
import java.util.Optional;

/**
 * llama.cpp's server in a process of its own. It knows no SLO: the full model reads and answers everything.
 *
 * @param model whose full level stands for what the server answers
 * @param latency that the bounds of requests come from, the same as Elms's
 */
record PeerContender(PeerServer server, ElasticModel model, LatencyModel latency, List<ServedApp> apps) implements Contender {
    /** As many requests at once as Elms serves. */
    private static final int SLOTS = 8;
    /** Tokens that each of them has room for. */
    private static final int CONTEXT = 2048;

    @Override
    public String name() {
        return "llama.cpp";
    }

    @Override
    public Session start() {
        Planner planner = new Planner(model.levels(), new Forecast(latency), Optional.empty(), PlanForm.ELMS);
        PeerServer.Running running = server.start(SLOTS, CONTEXT);
        apps.forEach(app -> running.answer(app.prompt(app.questions().getLast()), ServedApp.ANSWER_TOKENS));
        return new Session() {
            @Override
            public Optional<Served> answer(ServedApp app, Question question) {
                return Optional.of(new Served(plan(planner, app, question), Answering.steady(model.full()),
                        running.answer(app.prompt(question), ServedApp.ANSWER_TOKENS)));
            }

            @Override
            public void close() {
                running.close();
            }
        };
    }

    private Plan plan(Planner planner, ServedApp app, Question question) {
        List<Message> messages = app.request(question).messages();
        SubModel full = model.full();
        return planner.pinned(Prompts.of(messages, model.template().render(messages), model.tokenizer()), ServedApp.ANSWER_TOKENS,
                app.slo(), full, full, 0);
    }
}
