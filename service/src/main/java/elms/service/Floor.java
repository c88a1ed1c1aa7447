package elms.service;

import elms.engine.ElmsException;

/**
 * What a request is never given less than, whatever its SLO and the load: it is refused if strict, or runs late.
 *
 * @param minLevel least level of the prompt and of the answer, as a share of the decoder; above 0, nothing of the prompt is cut
 * @param maxQualityLoss most quality that its plan may be predicted to lose beside the full plan, as {@link elms.planner.Terms}
 *        has it; 1 is no bound. Where the model's pack has no planner no quality is known: a level is counted to lose as much as
 *        it leaves out of the decoder, and nothing is cut
 */
public record Floor(double minLevel, double maxQualityLoss) {
    public static final Floor NONE = new Floor(0, 1);

    public Floor {
        requireShare(minLevel, "least level");
        requireShare(maxQualityLoss, "largest quality loss");
    }

    /** Whether there is a bound on quality. */
    boolean boundsLoss() {
        return maxQualityLoss < 1;
    }

    /**
     * The least level.
     *
     * @param judged whether a planner predicts quality, and keeps that bound by itself
     */
    double level(boolean judged) {
        return judged ? minLevel : Math.max(minLevel, 1 - maxQualityLoss);
    }

    private static void requireShare(double share, String name) {
        if (!(share >= 0 && share <= 1)) {
            throw new ElmsException("the " + name + " is " + share + ", but must be between 0 and 1");
        }
    }
}
