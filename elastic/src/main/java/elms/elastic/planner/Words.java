package elms.elastic.planner;

import elms.kernels.Form;
import elms.kernels.MatrixPacker;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The word pieces that a compact language model keeps of MiniLM's: those without which a text could not be spelt, and the most
 * frequent ones. Their embeddings are not trained; they are rounded as a pack stores them.
 *
 * @param vocabulary the pieces
 * @param embedding their rows
 */
record Words(String[] vocabulary, float[][] embedding) {
    private static final List<String> SPECIAL = List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]");

    /**
     * @param counts how often each of MiniLM's pieces occurs in the texts
     * @param most pieces to keep
     */
    static Words of(MiniLm start, int[] counts, int most) {
        String[] all = start.vocabulary();
        Map<String, Integer> numbers = new HashMap<>();
        IntStream.range(0, all.length).forEach(id -> numbers.put(all[id], id));
        Stream<String> letters = Arrays.stream(all).filter(piece -> piece.codePointCount(0, piece.length()) == 1
                || piece.startsWith("##") && piece.codePointCount(0, piece.length()) == 3)
                .filter(piece -> piece.codePointAt(piece.length() - 1) < 128);
        Stream<String> frequent = IntStream.range(0, all.length).boxed().sorted((a, b) -> Integer.compare(counts[b], counts[a]))
                .map(id -> all[id]).filter(piece -> !piece.startsWith("[") || piece.length() == 1);
        Set<String> kept = new LinkedHashSet<>(SPECIAL);
        Stream.concat(letters, frequent).takeWhile(piece -> kept.size() < most).forEach(kept::add);
        String[] vocabulary = kept.stream().sorted((a, b) -> Integer.compare(numbers.get(a), numbers.get(b))).toArray(String[]::new);
        float[] original = start.embedding("word");
        float[][] rows = new float[vocabulary.length][];
        for (int i = 0; i < vocabulary.length; i++) {
            int at = numbers.get(vocabulary[i]) * MiniLm.WIDTH;
            rows[i] = rounded(Arrays.copyOfRange(original, at, at + MiniLm.WIDTH));
        }
        return new Words(vocabulary, rows);
    }

    private static float[] rounded(float[] row) {
        MatrixPacker packer = new MatrixPacker(Form.Q4, 1, row.length);
        packer.putRow(0, row);
        float[] rounded = new float[row.length];
        packer.matrix().readRow(0, rounded, 0);
        return rounded;
    }

    int begin() {
        return Arrays.asList(vocabulary).indexOf("[CLS]");
    }

    int end() {
        return Arrays.asList(vocabulary).indexOf("[SEP]");
    }

    /** Rows of some pieces, one after another. */
    float[] rows(int[] ids) {
        float[] rows = new float[ids.length * MiniLm.WIDTH];
        for (int i = 0; i < ids.length; i++) {
            System.arraycopy(embedding[ids[i]], 0, rows, i * MiniLm.WIDTH, MiniLm.WIDTH);
        }
        return rows;
    }
}
