package elms.eval.planner;

import elms.engine.ElasticModel;
import elms.planner.Forecast;
import elms.planner.LatencyModel;
import elms.planner.Plan;
import elms.planner.PlanForm;
import elms.planner.Planner;
import elms.planner.Prompt;
import elms.planner.Slo;
import elms.planner.compact.Opinion;
import elms.planner.compact.PromptReader;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A prompt as a compact language model has read it once.
 *
 * @param millis that reading it takes
 */
record ReadPrompt(Prompt prompt, Opinion opinion, double millis) {
    /** Longest answer that plans are made for, in tokens. */
    static final int ANSWER = 32;
    /** Times that a prompt is read, of which the fastest counts: others were interrupted. */
    private static final int READINGS = 3;
    /** Of a request that comes first, and from which a planner learns how long the compact language model takes. */
    private static final Slo USUAL = new SloPair(50, 50).slo();

    static ReadPrompt of(Prompt prompt, PromptReader reader) {
        Opinion opinion = null;
        double millis = Double.POSITIVE_INFINITY;
        for (int i = 0; i < READINGS; i++) {
            long start = System.nanoTime();
            opinion = reader.read(prompt.text(), prompt.cuttable());
            millis = Math.min(millis, (System.nanoTime() - start) / 1e6);
        }
        return new ReadPrompt(prompt, opinion, millis);
    }

    /** What a head says that knows nothing. */
    static float[] chance(int count, Random random) {
        float[] chance = new float[count];
        for (int i = 0; i < count; i++) {
            chance[i] = random.nextFloat();
        }
        return chance;
    }

    /** The same in the same time, but for what the decision head says. */
    ReadPrompt decided(float[] qualities) {
        return new ReadPrompt(prompt, new Opinion(opinion.pieces(), opinion.keep(), opinion.summary(), qualities), millis);
    }

    /** The same in the same time, but for what the score head says. */
    ReadPrompt scored(float[] keep) {
        return new ReadPrompt(prompt, new Opinion(opinion.pieces(), keep, opinion.summary(), opinion.qualities()), millis);
    }

    Plan plan(ElasticModel model, LatencyModel latency, PlanForm form, SloPair slo) {
        return planner(model, latency, form).plan(prompt, ANSWER, slo.slo(), 0);
    }

    /** A planner that has learnt how long the compact language model takes. */
    Planner planner(ElasticModel model, LatencyModel latency, PlanForm form) {
        AtomicLong clock = new AtomicLong();
        PromptReader takesTime = (text, cuttable) -> {
            clock.addAndGet(Math.round(1e6 * millis));
            return opinion;
        };
        Planner planner = new Planner(model.levels(), new Forecast(latency), Optional.of(takesTime), form, clock::get);
        planner.plan(prompt, ANSWER, USUAL, 0);
        return planner;
    }
}
