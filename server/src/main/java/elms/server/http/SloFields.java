package elms.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import elms.engine.ElmsException;
import elms.planner.Limit;
import elms.planner.Slo;
import elms.service.Floor;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Headers;
import java.util.List;
import java.util.Optional;

/**
 * The SLO of a request: the body's {@code slo} before headers before the model's name, each bound by itself. A bound that
 * makes no sense refuses the request, so that none can overflow a deadline or be taken for no bound.
 *
 * @param strict whether to refuse a request whose SLO is predicted to be missed
 */
record SloFields(Slo slo, boolean strict, Floor floor) {
    /** Longest latency that can be asked for: a day. */
    private static final double LONGEST_MILLIS = 86_400_000;
    private static final double LARGEST_RATIO = 1000;
    private static final List<HeaderName> TTFT = List.of(HeaderNames.create("x-llm-d-slo-ttft-ms"),
            HeaderNames.create("x-slo-ttft-ms"));
    private static final List<HeaderName> TPOT = List.of(HeaderNames.create("x-llm-d-slo-tpot-ms"),
            HeaderNames.create("x-slo-tpot-ms"));

    static SloFields of(Fields body, Headers headers, Slo named) {
        Optional<Fields> fields = body.object("slo");
        Optional<Limit> ttft = fields.flatMap(slo -> bound(slo, "ttft")).or(() -> header(headers, TTFT)).or(named::ttft);
        Optional<Limit> tpot = fields.flatMap(slo -> bound(slo, "tpot")).or(() -> header(headers, TPOT)).or(named::tpot);
        return new SloFields(new Slo(ttft, tpot), fields.map(slo -> slo.flag("strict", false)).orElse(false),
                fields.map(SloFields::floor).orElse(Floor.NONE));
    }

    /** Reads {@code ttft} and {@code tpot}, or {@code ttft_ms} and {@code tpot_ms}. */
    static Slo slo(Fields fields) {
        return new Slo(bound(fields, "ttft"), bound(fields, "tpot"));
    }

    private static Floor floor(Fields slo) {
        return new Floor(slo.number("min_level", 0, 1).orElse(Floor.NONE.minLevel()),
                slo.number("max_quality_loss", 0, 1).orElse(Floor.NONE.maxQualityLoss()));
    }

    private static Optional<Limit> bound(Fields slo, String name) {
        String millis = name + "_ms";
        if (slo.has(name) && slo.has(millis)) {
            throw ApiException.field(slo.path(millis), "give either " + slo.path(name) + " or " + slo.path(millis));
        }
        if (slo.has(millis)) {
            return Optional.of(checked(new Limit.Time(positive(slo, millis, LONGEST_MILLIS)), slo.path(millis)));
        }
        JsonNode bound = slo.node(name);
        if (bound.isMissingNode()) {
            return Optional.empty();
        }
        if (bound.isNumber()) {
            return Optional.of(new Limit.Ratio(positive(slo, name, LARGEST_RATIO)));
        }
        return Optional.of(parse(slo.requiredText(name), slo.path(name)));
    }

    private static double positive(Fields fields, String name, double most) {
        double number = fields.number(name, 0, most).orElseThrow();
        if (number == 0) {
            throw ApiException.field(fields.path(name), fields.path(name) + " must be above zero");
        }
        return number;
    }

    private static Optional<Limit> header(Headers headers, List<HeaderName> names) {
        for (HeaderName name : names) {
            List<String> values = headers.all(name, List::of);
            if (values.size() > 1) {
                throw ApiException.field(name.lowerCase(), "the header " + name.lowerCase() + " is there more than once");
            }
            if (values.size() == 1) {
                if (!values.getFirst().matches("[0-9]{1,9}(\\.[0-9]{1,9})?")) {
                    throw ApiException.field(name.lowerCase(), "the header " + name.lowerCase()
                            + " must be a number of milliseconds");
                }
                return Optional.of(parse(values.getFirst() + "ms", name.lowerCase()));
            }
        }
        return Optional.empty();
    }

    private static Limit parse(String text, String path) {
        try {
            return checked(Limit.parse(text), path);
        } catch (ElmsException e) {
            throw ApiException.field(path, e.getMessage());
        }
    }

    private static Limit checked(Limit limit, String path) {
        boolean fits = switch (limit) {
            case Limit.Time time -> time.millis() <= LONGEST_MILLIS;
            case Limit.Ratio ratio -> ratio.share() <= LARGEST_RATIO;
        };
        if (!fits) {
            throw ApiException.field(path, path + " is more than a day, or than " + (int) LARGEST_RATIO
                    + " times the full model's latency");
        }
        return limit;
    }
}
