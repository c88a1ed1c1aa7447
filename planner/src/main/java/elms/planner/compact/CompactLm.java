package elms.planner.compact;

import elms.engine.text.Encoding;
import elms.engine.text.Range;
import elms.kernels.Kernels;
import elms.planner.compact.Windows.Window;
import elms.planner.compact.Workspace.Buffer;
import java.util.Arrays;
import java.util.List;

/**
 * A small bidirectional encoder that reads a prompt before the model does. Its score head says which word pieces matter, its
 * decision head which plan answers best; its layer is shared by both (Li et al., arXiv 2409.09071). For one caller at a time.
 */
public final class CompactLm implements PromptReader {
    private static final String BEGIN = "[CLS]";
    private static final String END = "[SEP]";
    private static final int CUTTABLE = 0;
    private static final int KEPT = 1;

    private final CompactWeights weights;
    private final Pieces pieces;
    private final Workspace workspace;
    private final int begin;
    private final int end;

    public CompactLm(CompactWeights weights, Pieces pieces, Kernels kernels) {
        this.weights = weights;
        this.pieces = pieces;
        this.workspace = new Workspace(kernels.forPrompts());
        this.begin = Arrays.asList(weights.vocabulary()).indexOf(BEGIN);
        this.end = Arrays.asList(weights.vocabulary()).indexOf(END);
    }

    @Override
    public Opinion read(String text, List<Range> cuttable) {
        Encoding encoding = pieces.encode(text);
        int[] kinds = kinds(encoding, cuttable);
        float[] keep = new float[encoding.length()];
        Summary summary = new Summary(weights.width());
        for (Window window : Windows.of(encoding.length(), weights.positions().length - 2)) {
            read(window, encoding, kinds, keep, summary);
        }
        float[] features = summary.features();
        return new Opinion(encoding, keep, features, decide(features));
    }

    private static int[] kinds(Encoding encoding, List<Range> cuttable) {
        int[] kinds = new int[encoding.length()];
        int next = 0;
        for (int i = 0; i < kinds.length; i++) {
            while (next < cuttable.size() && cuttable.get(next).end() <= encoding.starts()[i]) {
                next++;
            }
            boolean cut = next < cuttable.size() && cuttable.get(next).start() < encoding.ends()[i];
            kinds[i] = cut ? CUTTABLE : KEPT;
        }
        return kinds;
    }

    private void read(Window window, Encoding encoding, int[] kinds, float[] keep, Summary summary) {
        int[] members = window.members();
        int rows = members.length + 2;
        float[] x = embed(members, encoding.ids(), kinds);
        weights.layer().apply(x, rows, weights.heads(), workspace);
        float[] scores = weights.score().of(x, rows, Buffer.SCORES, workspace);
        for (int i = window.from(); i < window.to(); i++) {
            summary.add(x, (i + 1) * weights.width(), kinds[members[i]]);
            keep[members[i]] = scores[i + 1];
        }
    }

    /** Rows of the members between those of a begin and an end. */
    private float[] embed(int[] members, int[] ids, int[] kinds) {
        int width = weights.width();
        float[] x = workspace.get(Buffer.STREAM, (members.length + 2) * width);
        for (int row = 0; row < members.length + 2; row++) {
            boolean inside = row > 0 && row <= members.length;
            int id = row == 0 ? begin : inside ? ids[members[row - 1]] : end;
            float[] position = weights.positions()[row];
            float[] kind = weights.kinds()[inside ? kinds[members[row - 1]] : KEPT];
            weights.words().readRow(id, x, row * width);
            for (int i = 0; i < width; i++) {
                x[row * width + i] += position[i] + kind[i];
            }
        }
        weights.embeddingNorm().apply(x, members.length + 2, workspace);
        return x;
    }

    private float[] decide(float[] features) {
        float[] hidden = weights.decisionHidden().of(features, 1, Buffer.HIDDEN, workspace);
        EncoderLayer.activate(hidden, weights.decisionHidden().bias().length);
        return Arrays.copyOf(weights.decision().of(hidden, 1, Buffer.SCORES, workspace), weights.decision().bias().length);
    }

    /** Means over what may be cut and over what may not. */
    private static final class Summary {
        private final double[] sums;
        private final int[] counts = new int[2];

        Summary(int width) {
            sums = new double[2 * width];
        }

        void add(float[] x, int at, int kind) {
            int width = sums.length / 2;
            for (int i = 0; i < width; i++) {
                sums[kind * width + i] += x[at + i];
            }
            counts[kind]++;
        }

        float[] features() {
            float[] features = new float[sums.length];
            for (int i = 0; i < features.length; i++) {
                features[i] = (float) (sums[i] / Math.max(1, counts[i / (features.length / 2)]));
            }
            return features;
        }
    }
}
