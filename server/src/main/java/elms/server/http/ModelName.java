package elms.server.http;

import elms.engine.ElmsException;
import elms.planner.Limit;
import elms.planner.Slo;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What stands in the field {@code model}: the model's name, a profile such as {@code smollm2:interactive}, or an SLO such as
 * {@code smollm2@ttft=300ms,tpot=40ms} for clients that can set nothing else.
 */
record ModelName(String model, Slo slo) {
    /** SLOs that have a name, as shares of the full model's latency. */
    enum Profile {
        /** Answers soon and reads along: half of the wait, three quarters of the time per token. */
        INTERACTIVE(0.5, 0.75),
        /** A bit of both. */
        BALANCED(0.75, 0.85),
        /** As fast as still makes sense. */
        FAST(0.35, 0.5);

        private final Slo slo;

        Profile(double ttft, double tpot) {
            slo = new Slo(Optional.of(new Limit.Ratio(ttft)), Optional.of(new Limit.Ratio(tpot)));
        }

        String suffix() {
            return ":" + name().toLowerCase(Locale.ROOT);
        }

        Slo slo() {
            return slo;
        }
    }

    private static final String LATEST = ":latest";

    /**
     * Reads a name.
     *
     * @param served the only model that this server has
     */
    static ModelName parse(String name, String served) {
        int at = name.indexOf('@', name.startsWith(served) ? served.length() : 0);
        String model = at < 0 ? name : name.substring(0, at);
        Slo slo = at < 0 ? Slo.NONE : slo(name.substring(at + 1));
        if (model.equals(served) || model.equals(served + LATEST)) {
            return new ModelName(served, slo);
        }
        for (Profile profile : Profile.values()) {
            if (model.equals(served + profile.suffix())) {
                return new ModelName(served, new Slo(slo.ttft().or(profile.slo::ttft), slo.tpot().or(profile.slo::tpot)));
            }
        }
        throw ApiException.noModel(name, served + ", also as " + Stream.of(Profile.values()).map(Profile::suffix)
                .collect(Collectors.joining(", ")));
    }

    private static Slo slo(String text) {
        Optional<Limit> ttft = Optional.empty();
        Optional<Limit> tpot = Optional.empty();
        for (String part : text.split(",", -1)) {
            String[] pair = part.split("=", 2);
            if (pair.length == 2 && pair[0].equals("ttft") && ttft.isEmpty()) {
                ttft = Optional.of(limit(pair[1]));
            } else if (pair.length == 2 && pair[0].equals("tpot") && tpot.isEmpty()) {
                tpot = Optional.of(limit(pair[1]));
            } else {
                throw ApiException.field("model", "'" + part + "' is no SLO; write MODEL@ttft=300ms,tpot=40ms");
            }
        }
        return new Slo(ttft, tpot);
    }

    private static Limit limit(String text) {
        try {
            return Limit.parse(text);
        } catch (ElmsException e) {
            throw ApiException.field("model", e.getMessage());
        }
    }
}
