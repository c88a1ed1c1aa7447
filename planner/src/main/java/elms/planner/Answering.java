package elms.planner;

import elms.engine.model.SubModel;

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
    /** Tokens within which what is left to be told falls to a third. */
    private static final double TURN = 2;
    private static final double ROUNDING = 1e-6;

    /** One level for all. */
    public static Answering steady(SubModel level) {
        return new Answering(1, 1, level);
    }

    /**
     * The shortest head start with which the TPOT is kept and the full model gives what is worth it, or the longest that there is
     * time for. Times are in milliseconds.
     *
     * @param tokens of the longest answer
     * @param spare time until the first token is due
     * @param full time of the full model's step
     * @param step time of the level's step
     * @param limit of the TPOT
     */
    static Answering of(SubModel level, int tokens, double spare, double full, double step, double limit) {
        int least = Math.max(1, (int) Math.ceil(tokens - (tokens - 1) * limit / step - ROUNDING));
        int most = Math.max(1, Math.min(tokens, 1 + (int) (spare / full)));
        Answering longest = steady(level);
        for (int headStart = least; headStart <= most; headStart++) {
            longest = new Answering(headStart, headStart + ahead(tokens, headStart, full, step, limit), level);
            if (step >= full || longest.fullTokens >= Math.min(tokens, TELLING)) {
                break;
            }
        }
        return longest;
    }

    /** Tokens behind a head start that the full model can give so that none comes late, nor one that the level gives later. */
    private static int ahead(int tokens, int headStart, double full, double step, double limit) {
        int rest = tokens - headStart;
        if (full <= limit || full <= step) {
            return rest;
        }
        double inTime = (headStart - 1) * limit / (full - limit);
        double atTheEnd = ((tokens - 1) * limit - rest * step) / (full - step);
        return Math.max(0, (int) Math.min(rest, Math.min(inTime, atTheEnd)));
    }

    /** Time that the answer's tokens take before the first is handed out. */
    public double heldMillis(double full) {
        return (headStart - 1) * full;
    }

    /** Mean time of a token after the first, in the longest answer. */
    public double tpotMillis(int tokens, double full, double step) {
        int ahead = Math.min(tokens, fullTokens) - headStart;
        return tokens < 2 ? step : (ahead * full + (tokens - headStart - ahead) * step) / (tokens - 1);
    }

    /**
     * How much of what the full model's answer is worth more than the level's is kept, from 0 to 1. An answer takes its turn in its
     * first tokens: measured in docs/planner.md.
     */
    double fullShare(int tokens) {
        return fullTokens >= tokens ? 1 : 1 - Math.exp((1 - fullTokens) / TURN);
    }
}
