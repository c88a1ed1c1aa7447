package elms.server.soak;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/**
 * What a soak found.
 *
 * @param seconds between two marks
 * @param stuck requests that did not end, though all else stood still
 * @param pagesLeft pages of keys and values that were not given back when the server was closed
 * @param faults what was wrong, the first of them
 * @param heap trend of the live heap without pages of keys and values, in megabytes, after the first quarter of the marks
 * @param outside the same of anonymous memory outside of Java's heap, where the system tells it
 * @param mapped the same of pages of files, which the system takes back when it needs them: told, not judged
 */
public record Report(String model, int clients, double seconds, long requests, Map<Visit, Long> visits, Map<Outcome, Long> outcomes,
        long stuck, int pagesLeft, List<String> faults, Trend heap, Trend outside, Trend mapped, List<Mark> marks) {
    /**
     * What is in memory while no request is at work.
     *
     * @param number of the mark, from 1
     * @param outcomes of the requests until then
     * @param heapMb live objects of Java after a garbage collection, without pages of keys and values
     * @param pagesMb pages of keys and values: those of the prefix cache, and as many more as requests needed at once
     * @param residentMb of the whole process, weights and what the heap has ever taken included
     * @param outsideMb the anonymous part of it without what the heap has ever taken, which it gives back when it likes
     * @param mappedMb the part of it that is pages of files, weights above all
     */
    public record Mark(int number, Map<Outcome, Long> outcomes, double heapMb, double pagesMb, OptionalDouble residentMb,
            OptionalDouble outsideMb, OptionalDouble mappedMb) {}

    /** The report of these marks. */
    static Report of(String model, int clients, double seconds, Tally tally, long stuck, int pagesLeft, List<Mark> marks) {
        return new Report(model, clients, seconds, tally.requests(), tally.visits(), tally.outcomes(), stuck, pagesLeft,
                tally.faults(), trend(marks, Mark::heapMb), trend(marks, mark -> mark.outsideMb().orElse(0)),
                trend(marks, mark -> mark.mappedMb().orElse(0)), List.copyOf(marks));
    }

    private static Trend trend(List<Mark> marks, ToDoubleFunction<Mark> figure) {
        return Trend.of(marks.stream().skip((marks.size() + 3) / 4).map(figure::applyAsDouble).toList());
    }

    /** Whether no request got stuck or went wrong, and nothing leaked. */
    @JsonProperty
    public boolean passed() {
        return stuck == 0 && pagesLeft == 0 && faults.isEmpty() && heap.flat() && outside.flat();
    }
}
