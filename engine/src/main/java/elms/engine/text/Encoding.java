package elms.engine.text;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * Tokens of a text.
 *
 * @param ids token numbers
 * @param starts where each token's text begins, in UTF-16 units
 * @param ends where it ends; tokens that share a character share its place
 */
public record Encoding(int[] ids, int[] starts, int[] ends) {
    /** No tokens. */
    public static final Encoding EMPTY = new Encoding(new int[0], new int[0], new int[0]);

    public int length() {
        return ids.length;
    }

    /** These tokens, then others. */
    public Encoding plus(Encoding other) {
        return of(List.of(this, other));
    }

    /** The tokens of some encodings, one after the other. */
    public static Encoding of(List<Encoding> parts) {
        return new Encoding(joined(parts, Encoding::ids), joined(parts, Encoding::starts), joined(parts, Encoding::ends));
    }

    private static int[] joined(List<Encoding> parts, Function<Encoding, int[]> numbers) {
        int[] joined = new int[parts.stream().mapToInt(Encoding::length).sum()];
        int at = 0;
        for (Encoding part : parts) {
            System.arraycopy(numbers.apply(part), 0, joined, at, part.length());
            at += part.length();
        }
        return joined;
    }

    /** The same tokens of a text that begins later by so many UTF-16 units. */
    public Encoding shifted(int by) {
        return by == 0 ? this : new Encoding(ids, shifted(starts, by), shifted(ends, by));
    }

    private static int[] shifted(int[] places, int by) {
        int[] shifted = new int[places.length];
        Arrays.setAll(shifted, i -> places[i] + by);
        return shifted;
    }
}
