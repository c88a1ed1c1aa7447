package elms.service;

import elms.engine.ElmsException;

/**
 * What a request is never given less than, whatever its SLO: it is refused if strict, or runs late.
 *
 * @param minLevel least level of the prompt and of the answer, as a share of the decoder; above 0, nothing of the prompt is cut
 * @param maxQualityLoss most of the full model's quality that may be lost, as a share of it; 1 is no bound. A level is counted to
 *        lose as much quality as it leaves out of the decoder, which is more than it does
 */
public record Floor(double minLevel, double maxQualityLoss) {
    public static final Floor NONE = new Floor(0, 1);

    public Floor {
        requireShare(minLevel, "least level");
        requireShare(maxQualityLoss, "largest quality loss");
    }

    /** The least level that keeps both bounds. */
    public double level() {
        return Math.max(minLevel, 1 - maxQualityLoss);
    }

    private static void requireShare(double share, String name) {
        if (!(share >= 0 && share <= 1)) {
            throw new ElmsException("the " + name + " is " + share + ", but must be between 0 and 1");
        }
    }
}
