package elms.planner;

import java.util.ArrayList;
import java.util.List;

/**
 * A way to read a prompt, before it is known which words it has. Levels are named by the share of the decoder that they aim at.
 *
 * @param kept share of what may be cut that is read, from 0 to 1
 * @param level that reads it
 * @param questionLevel that reads what may not be cut
 * @param endLevel that reads the last {@value #END} tokens, after which the answer's first token is chosen
 */
public record PlanShape(double kept, double level, double questionLevel, double endLevel) {
    /** Tokens at the end of a prompt that have a level of their own. */
    static final int END = 16;

    /** A shape whose end the full model reads: that is worth more than any other tokens of the prompt. */
    public PlanShape(double kept, double level, double questionLevel) {
        this(kept, level, questionLevel, 1);
    }

    /** What the planner chooses from: segments are dropped whole, the rest is read at one level, the question at another. */
    public static final List<PlanShape> SEGMENTS = List.of(
            new PlanShape(1, 1, 1), new PlanShape(1, 0.6, 1), new PlanShape(1, 0.4, 1), new PlanShape(1, 0.6, 0.6),
            new PlanShape(1, 0.4, 0.4), new PlanShape(1, 0.3, 0.3), new PlanShape(0.8, 1, 1), new PlanShape(0.8, 0.6, 0.6),
            new PlanShape(0.8, 0.4, 0.4), new PlanShape(0.6, 1, 1), new PlanShape(0.6, 0.6, 0.6), new PlanShape(0.6, 0.4, 0.4),
            new PlanShape(0.4, 1, 1), new PlanShape(0.4, 0.6, 0.6), new PlanShape(0.4, 0.4, 0.4), new PlanShape(0.2, 1, 1),
            new PlanShape(0.2, 0.6, 0.6), new PlanShape(0.2, 0.4, 0.4), new PlanShape(0, 1, 1), new PlanShape(0, 0.6, 0.6),
            new PlanShape(0, 0.4, 0.4), new PlanShape(0, 0.3, 0.3, 0.3));

    /** Levels that may answer. */
    public static final List<Double> ANSWERS = List.of(1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3);

    /** The paper's form: words are dropped, and one level reads and answers. */
    public static final List<PlanShape> WORDS = words();

    private static List<PlanShape> words() {
        List<PlanShape> shapes = new ArrayList<>();
        for (double kept : new double[] {1, 0.8, 0.6, 0.4, 0.2}) {
            for (double level : new double[] {1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3}) {
                shapes.add(new PlanShape(kept, level, level, level));
            }
        }
        return List.copyOf(shapes);
    }
}
