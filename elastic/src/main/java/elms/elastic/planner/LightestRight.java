package elms.elastic.planner;

import elms.elastic.planner.DecisionTraining.Sample;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The labels of ELMS (arXiv 2409.09071), to compare with: of the plans that were tried on a prompt, the lightest that answers
 * right is worth 1, and every other 0. An SLO, which the paper's labels depend on, rules out the heaviest: it leaves the same
 * label, or none.
 */
final class LightestRight {
    private LightestRight() {}

    /** A sample with these labels; none where no plan is known to answer right. */
    static Optional<Sample> of(Sample sample) {
        Collection<List<Outcome>> forms = sample.outcomes().stream()
                .collect(Collectors.groupingBy(outcome -> outcome.outputs().length)).values();
        List<Outcome> labelled = forms.stream().flatMap(form -> {
            Optional<Outcome> lightest = form.stream().filter(Outcome::right).min(Comparator.comparingDouble(Outcome::work));
            return lightest.stream().flatMap(one -> form.stream().map(outcome -> outcome.worth(outcome == one ? 1 : 0)));
        }).toList();
        return labelled.isEmpty() ? Optional.empty() : Optional.of(new Sample(sample.summary(), labelled));
    }
}
