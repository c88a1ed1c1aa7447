package elms.planner;

import elms.engine.model.SubModel;
import java.util.function.IntPredicate;

/**
 * Who gives the tokens of an answer. What is left of the TTFT after reading goes to a <em>head start</em>: the full model gives
 * the first tokens, and they are handed out together when the first is due. The answer is ahead of its pace then, and the full
 * model goes on until it is not; a level that keeps the TPOT gives the rest. That tokens may be held back as long as each is in
 * time is Andes' (Liu et al., 2024, arXiv 2404.16283), which so makes room for other requests.
 *
 * @param headStart tokens that are handed out together; 1 holds none back
 * @param fullTokens of the answer's beginning that the full model gives; the first of all comes of reading the prompt
 * @param level gives the others
 */
public record Answering(int headStart, int fullTokens, SubModel level) {
    /** Tokens of an answer's beginning that are worth a head start. */
    private static final int TELLING = 8;
    /** Fewer are worth nothing. */
    private static final int LEAST_TELLING = 4;
    /** Tokens behind the first with which so much of the turn is taken that a third is left. */
    private static final double TURN = 2.6;
    private static final double ROUNDING = 1e-6;

    /** One level for all. */
    public static Answering steady(SubModel level) {
        return new Answering(1, 1, level);
    }

    /**
     * The shortest head start with which the TPOT is kept and the full model gives what is worth it, or the longest that there is
     * time for; none where even that would let the full model give too little. Times are in milliseconds.
     *
     * @param tokens of the longest answer
     * @param spare time until the first token is due
     * @param full the full model's steps
     * @param step the level's
     * @param limit of the TPOT
     */
    static Answering of(SubModel level, int tokens, double spare, Steps full, Steps step, double limit) {
        double whole = (tokens - 1) * limit + ROUNDING;
        int least = tokens - largest(tokens - 1, count -> step.millis(count) <= whole);
        int most = 1 + largest(tokens - 1, count -> full.millis(count) <= spare);
        Answering longest = steady(level);
        for (int headStart = least; headStart <= most; headStart++) {
            longest = new Answering(headStart, headStart + ahead(tokens, headStart, full, step, limit), level);
            if (step.settled() >= full.settled() || longest.fullTokens >= Math.min(tokens, TELLING)) {
                break;
            }
        }
        return least <= 1 && longest.fullTokens < Math.min(tokens, LEAST_TELLING) ? steady(level) : longest;
    }

    /** Tokens behind a head start that the full model can give so that none comes late, nor the level's last one. */
    private static int ahead(int tokens, int headStart, Steps full, Steps step, double limit) {
        int rest = tokens - headStart;
        double held = full.millis(headStart - 1);
        if (full.millis(tokens - 1) - held <= (tokens - 1) * limit || full.settled() <= step.settled()) {
            return rest;
        }
        return largest(rest, ahead -> {
            double given = full.millis(headStart - 1 + ahead) - held;
            return given <= (headStart - 1 + ahead) * limit && given + step.millis(rest - ahead) <= (tokens - 1) * limit;
        });
    }

    /** The largest number up to another that a condition holds for which, above zero, holds for those below too. */
    private static int largest(int most, IntPredicate holds) {
        int least = 0;
        while (least < most) {
            int middle = (least + most + 1) >>> 1;
            if (holds.test(middle)) {
                least = middle;
            } else {
                most = middle - 1;
            }
        }
        return least;
    }

    /** Time that the answer's tokens take before the first is handed out. */
    public double heldMillis(Steps full) {
        return full.millis(headStart - 1);
    }

    /** Mean time of a token after the first, in the longest answer. */
    public double tpotMillis(int tokens, Steps full, Steps step) {
        if (tokens < 2) {
            return step.tpotMillis(tokens);
        }
        int byFull = Math.min(tokens, fullTokens);
        return (full.millis(byFull - 1) - heldMillis(full) + step.millis(tokens - byFull)) / (tokens - 1);
    }

    /**
     * How much of what the full model's answer is worth more than the level's is kept, from 0 to 1. An answer takes its turn in its
     * first tokens: measured in docs/planner.md.
     */
    double fullShare(int tokens) {
        return fullTokens >= tokens ? 1 : 1 - Math.exp(-Math.pow((fullTokens - 1) / TURN, 2));
    }
}
