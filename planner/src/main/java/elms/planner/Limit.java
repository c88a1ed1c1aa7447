package elms.planner;

import elms.engine.ElmsException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A bound on a latency: a time, or a share of what the full model takes on this device. */
public sealed interface Limit {
    /**
     * @param millis positive, finite
     */
    record Time(double millis) implements Limit {
        public Time {
            requirePositive(millis);
        }
    }

    /**
     * @param share of the full model's 95th-percentile latency; positive, finite
     */
    record Ratio(double share) implements Limit {
        public Ratio {
            requirePositive(share);
        }
    }

    Pattern FORM = Pattern.compile("([0-9]*\\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\\s*(ms|s)?");

    /** Reads {@code 0.4} as a ratio, {@code 300ms} and {@code 1.5s} as times. */
    static Limit parse(String text) {
        Matcher matcher = FORM.matcher(text.strip().toLowerCase(Locale.ROOT));
        if (!matcher.matches()) {
            throw new ElmsException("'" + text + "' is no latency; write a share of the full model's such as 0.4, or a time such as"
                    + " 300ms or 1.5s");
        }
        double number = Double.parseDouble(matcher.group(1));
        if (matcher.group(2) == null) {
            return new Ratio(number);
        }
        return new Time(matcher.group(2).equals("s") ? 1000 * number : number);
    }

    /** The bound in milliseconds. */
    default double millis(double fullModelMillis) {
        return switch (this) {
            case Time time -> time.millis;
            case Ratio ratio -> ratio.share * fullModelMillis;
        };
    }

    private static void requirePositive(double number) {
        if (!(number > 0) || Double.isInfinite(number)) {
            throw new ElmsException("a latency of " + number + " cannot be kept; it must be above zero and finite");
        }
    }
}
