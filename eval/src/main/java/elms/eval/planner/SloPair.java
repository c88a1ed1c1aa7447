package elms.eval.planner;

import elms.planner.Limit;
import elms.planner.Slo;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** An SLO in the paper's form: both latencies as hundredths of the full model's. */
public record SloPair(int ttft, int tpot) {
    /** What the paper's six apps ask for, in the order of their tasks. */
    public static final List<SloPair> APPS = List.of(new SloPair(100, 100), new SloPair(80, 90), new SloPair(60, 80),
            new SloPair(40, 70), new SloPair(20, 60), new SloPair(20, 50));

    /** The 48 combinations that the paper trains on. */
    public static List<SloPair> combinations() {
        List<SloPair> all = new ArrayList<>();
        for (int ttft = 20; ttft <= 90; ttft += 10) {
            for (int tpot = 50; tpot <= 100; tpot += 10) {
                all.add(new SloPair(ttft, tpot));
            }
        }
        return all;
    }

    Slo slo() {
        return new Slo(Optional.of(new Limit.Ratio(ttft / 100.0)), Optional.of(new Limit.Ratio(tpot / 100.0)));
    }

    @Override
    public String toString() {
        return "⟨" + ttft + "," + tpot + "⟩";
    }
}
