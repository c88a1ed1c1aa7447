package elms.service;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/** One structured line a request, with nothing of what was asked or answered. */
final class RequestLog {
    private static final Logger LOG = LoggerFactory.getLogger("elms.requests");

    private RequestLog() {}

    static void answered(AppProfile app, Response response) {
        LoggingEventBuilder line = LOG.atLevel(Level.INFO).addKeyValue("app", app.name())
                .addKeyValue("finish", response.finishReason()).addKeyValue("prompt_tokens", response.promptTokens())
                .addKeyValue("read_tokens", response.plan().promptTokens()).addKeyValue("cached_tokens", response.cachedTokens())
                .addKeyValue("completion_tokens", response.completionTokens())
                .addKeyValue("prompt_level", response.plan().prefillLevel()).addKeyValue("answer_level", response.answerLevel())
                .addKeyValue("queue_ms", response.queueMillis());
        response.measured().ttftMillis().ifPresent(millis -> line.addKeyValue("ttft_ms", millis));
        response.measured().tpotMillis().ifPresent(millis -> line.addKeyValue("tpot_ms", millis));
        response.plan().slo().ttftMillis().ifPresent(millis -> line.addKeyValue("slo_ttft_ms", millis));
        response.plan().slo().tpotMillis().ifPresent(millis -> line.addKeyValue("slo_tpot_ms", millis));
        line.addKeyValue("feasible", response.plan().feasible()).addKeyValue("slo_met", response.sloMet()).log("request");
    }

    static void failed(AppProfile app, RuntimeException reason) {
        LOG.atLevel(Level.ERROR).addKeyValue("app", app.name()).setCause(reason).log("request failed");
    }
}
