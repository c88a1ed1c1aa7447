package elms.service;

import java.util.List;
import java.util.OptionalDouble;

/**
 * How likely a token was where it stands.
 *
 * @param logProbability natural logarithm; absent for the first token of a text
 * @param likeliest tokens that were likeliest there, best first
 */
public record TokenScore(int token, OptionalDouble logProbability, List<Alternative> likeliest) {
    /** A token that could have stood there. */
    public record Alternative(int token, double logProbability) {}
}
