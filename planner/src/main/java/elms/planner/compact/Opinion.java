package elms.planner.compact;

import elms.engine.text.Encoding;
import elms.engine.text.Range;

/**
 * What the compact language model thinks of a prompt.
 *
 * @param pieces of the prompt's text
 * @param keep how much each piece matters to the answer; higher for more, on no scale
 * @param summary what the decision head reads
 * @param qualities what each choice of the decision head is worth, as a difference of the right answer's probability
 */
public record Opinion(Encoding pieces, float[] keep, float[] summary, float[] qualities) {
    /** Of a prompt that was not read: what stands nearer to its end matters more. */
    public static Opinion unread(Encoding pieces) {
        float[] keep = new float[pieces.length()];
        for (int i = 0; i < keep.length; i++) {
            keep[i] = i;
        }
        return new Opinion(pieces, keep, new float[0], new float[0]);
    }

    /** Mean of what the pieces that touch a range matter; of none, the least of all. */
    public float keep(Range range) {
        double sum = 0;
        int count = 0;
        for (int i = firstEndingAfter(range.start()); i < keep.length && pieces.starts()[i] < range.end(); i++) {
            sum += keep[i];
            count++;
        }
        return count == 0 ? Float.NEGATIVE_INFINITY : (float) (sum / count);
    }

    private int firstEndingAfter(int place) {
        int low = 0;
        int high = pieces.length();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (pieces.ends()[middle] > place) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }
}
