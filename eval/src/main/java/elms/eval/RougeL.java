package elms.eval;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** How much of a text's words another has in the same order (Lin, ROUGE, 2004): the longest common subsequence. */
final class RougeL {
    private RougeL() {}

    /** The balanced F-measure, between 0 and 1; 1 for two texts without words. */
    static double of(String reference, String text) {
        List<String> a = words(reference);
        List<String> b = words(text);
        return a.isEmpty() && b.isEmpty() ? 1 : 2.0 * common(a, b) / (a.size() + b.size());
    }

    private static List<String> words(String text) {
        return Arrays.stream(text.toLowerCase(Locale.ROOT).split("[^\\p{L}\\p{N}]+")).filter(word -> !word.isEmpty()).toList();
    }

    private static int common(List<String> a, List<String> b) {
        int[] row = new int[b.size() + 1];
        for (String word : a) {
            int diagonal = 0;
            for (int j = 1; j < row.length; j++) {
                int above = row[j];
                row[j] = word.equals(b.get(j - 1)) ? diagonal + 1 : Math.max(above, row[j - 1]);
                diagonal = above;
            }
        }
        return row[b.size()];
    }
}
