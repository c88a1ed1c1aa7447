package elms.server.http;

import elms.engine.text.Tokenizer;
import elms.planner.Plan;
import elms.server.ElmsReport;
import elms.service.Response;
import java.time.Instant;
import java.util.UUID;

/**
 * What all pieces of one reply in OpenAI's shape share.
 *
 * @param includeUsage whether a stream ends with the usage
 * @param showTexts whether spans are told with their text
 */
record ReplyHead(String id, long created, String model, Tokenizer tokenizer, boolean includeUsage, boolean showTexts) {
    static ReplyHead of(String kind, LoadedModel model, Fields body) {
        return new ReplyHead(kind + "-" + UUID.randomUUID(), Instant.now().getEpochSecond(), model.service().model().name(),
                model.service().model().tokenizer(),
                body.object("stream_options").map(options -> options.flag("include_usage", false)).orElse(false),
                body.object("elms").map(elms -> elms.flag("show_text", false)).orElse(false));
    }

    ElmsReport report(Plan plan) {
        return shown(ElmsReport.of(plan), plan);
    }

    ElmsReport report(Response response) {
        return shown(ElmsReport.of(response), response.plan());
    }

    private ElmsReport shown(ElmsReport report, Plan plan) {
        return showTexts ? report.withTexts(SpanTexts.of(plan, tokenizer)) : report;
    }

    /** Why an answer ended, in OpenAI's words. */
    static String finishReason(Response response) {
        return switch (response.finishReason()) {
            case STOP, CANCELLED -> "stop";
            case LENGTH -> "length";
        };
    }
}
