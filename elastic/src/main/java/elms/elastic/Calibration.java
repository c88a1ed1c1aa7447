package elms.elastic;

import elms.engine.ElmsException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Token sequences of one length to measure a model on and to train it with; those for choosing come from documents that the
 * others have not seen.
 *
 * @param statistics what activations are collected on
 * @param selection what widths are chosen on
 * @param training what levels are recovered with
 */
public record Calibration(List<int[]> statistics, List<int[]> selection, List<int[]> training) {
    /** Tokens of a sequence. */
    public static final int LENGTH = 256;
    static final int MOST_STATISTICS = 60;
    private static final int MOST_SELECTION = 6;
    /** One document of so many is for selection. */
    private static final int SELECTION_PART = 6;
    private static final long SEED = 1;

    /**
     * Cuts documents into sequences. Every file has an equal part in each of the three: the sequences of a short one come round
     * again.
     *
     * @param files documents, each as tokens, file by file
     * @param separator tokens between two documents
     */
    public static Calibration of(List<List<int[]>> files, int[] separator) {
        List<List<int[]>> chosen = new ArrayList<>();
        List<List<int[]>> rest = new ArrayList<>();
        for (List<int[]> documents : files) {
            int cut = documents.size() - Math.max(1, Math.min(MOST_SELECTION, documents.size() / SELECTION_PART));
            rest.add(sequences(documents.subList(0, cut), separator));
            chosen.add(sequences(documents.subList(cut, documents.size()), separator));
        }
        List<int[]> training = mixed(rest);
        List<int[]> selection = mixed(chosen);
        if (training.isEmpty() || selection.isEmpty()) {
            throw new ElmsException("the calibration text is too short; give at least two documents of " + LENGTH
                    + " tokens in a file, parted by two empty lines");
        }
        return new Calibration(training.subList(0, Math.min(MOST_STATISTICS, training.size())),
                selection.subList(0, Math.min(MOST_SELECTION, selection.size())), training);
    }

    /** Tokens that a training reads before it begins again. */
    public long trainingTokens() {
        return (long) training.size() * LENGTH;
    }

    /** Documents one after another, cut anew. */
    private static List<int[]> sequences(List<int[]> documents, int[] separator) {
        int[] all = new int[documents.stream().mapToInt(document -> document.length + separator.length).sum()];
        int end = 0;
        for (int[] document : documents) {
            System.arraycopy(document, 0, all, end, document.length);
            System.arraycopy(separator, 0, all, end + document.length, separator.length);
            end += document.length + separator.length;
        }
        List<int[]> sequences = new ArrayList<>();
        for (int from = 0; from + LENGTH <= end; from += LENGTH) {
            sequences.add(Arrays.copyOfRange(all, from, from + LENGTH));
        }
        Collections.shuffle(sequences, new Random(SEED));
        return sequences;
    }

    /** One sequence of every file in turn, until the longest has given all. */
    private static List<int[]> mixed(List<List<int[]>> files) {
        List<int[]> mixed = new ArrayList<>();
        int longest = files.stream().mapToInt(List::size).max().orElse(0);
        for (int i = 0; i < longest; i++) {
            for (List<int[]> sequences : files) {
                if (!sequences.isEmpty()) {
                    mixed.add(sequences.get(i % sequences.size()));
                }
            }
        }
        return mixed;
    }
}
