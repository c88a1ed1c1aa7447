package elms.engine.text;

import java.util.Arrays;

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
        return new Encoding(join(ids, other.ids), join(starts, other.starts), join(ends, other.ends));
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

    private static int[] join(int[] first, int[] second) {
        int[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }
}
