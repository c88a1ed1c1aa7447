package elms.service;

import elms.engine.ElmsException;

/**
 * Levels that a request asks for instead of having them planned; the nearest ones are taken.
 *
 * @param prompt share of the decoder that reads the whole prompt
 * @param answer share of the decoder that answers
 */
public record Pin(double prompt, double answer) {
    public Pin {
        requireLevel(prompt);
        requireLevel(answer);
    }

    /** One level for everything. */
    public static Pin of(double share) {
        return new Pin(share, share);
    }

    private static void requireLevel(double share) {
        if (!(share > 0 && share <= 1)) {
            throw new ElmsException("the level is " + share + ", but must be above 0 and at most 1");
        }
    }
}
