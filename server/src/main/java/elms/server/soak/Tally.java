package elms.server.soak;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Counts visits and how they ended. Thread-safe. */
final class Tally {
    /** Faults that are told in full. */
    private static final int MOST_TOLD = 20;

    private final Map<Visit, Long> visits = new EnumMap<>(Visit.class);
    private final Map<Outcome, Long> outcomes = new EnumMap<>(Outcome.class);
    private final List<String> faults = new ArrayList<>();

    Tally() {
        for (Visit visit : Visit.values()) {
            visits.put(visit, 0L);
        }
        for (Outcome outcome : Outcome.values()) {
            outcomes.put(outcome, 0L);
        }
    }

    synchronized void count(Visit visit, Outcome outcome) {
        visits.merge(visit, 1L, Long::sum);
        outcomes.merge(outcome, 1L, Long::sum);
    }

    /** Tells what was wrong. */
    synchronized void fault(String sentence) {
        if (faults.size() < MOST_TOLD) {
            faults.add(sentence);
        }
    }

    synchronized long requests() {
        return visits.values().stream().mapToLong(Long::longValue).sum();
    }

    synchronized Map<Visit, Long> visits() {
        return new EnumMap<>(visits);
    }

    synchronized Map<Outcome, Long> outcomes() {
        return new EnumMap<>(outcomes);
    }

    synchronized List<String> faults() {
        return List.copyOf(faults);
    }
}
