package elms.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import elms.engine.text.Message;
import elms.planner.Answering;
import elms.planner.Latency;
import elms.planner.Plan;
import elms.planner.Prompt;
import elms.service.Response.FinishReason;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tokens are bytes here, and times in milliseconds; the call came at 100. */
class AnswerTest {
    private static final int TOKENS = 3;

    @TempDir
    Path folder;

    private NanoService nano;
    private Call call;
    private Answer answer;

    @BeforeEach
    void begin() {
        nano = new NanoService(folder);
        Prompt prompt = new Prompt("x", nano.model().tokenizer().encode("x"), List.of());
        call = new Call(AppProfile.of("app"), Request.of(List.of(Message.user("x")), TOKENS), prompt, TOKENS, 100);
        answer = new Answer(call, planned(), nano.model().tokenizer());
    }

    @AfterEach
    void close() {
        nano.close();
    }

    @Test
    void whatIsHeldBackIsToldWhenItIsHandedOut() {
        draw('a', 110);
        draw('b', 120);
        answer.handOut(121);
        draw('c', 150);
        assertThat(told()).containsExactly("a", "b", "c");
        assertThat(answer.measured().ttftMillis().orElseThrow()).isEqualTo(21);
        assertThat(answer.measured().tpotMillis().orElseThrow()).isCloseTo((150 - 121) / 2.0, within(1e-9));
    }

    @Test
    void anAnswerThatEndsIsHandedOut() {
        draw('a', 110);
        assertThat(answer.finish()).isEqualTo("a");
        assertThat(told()).containsExactly("a");
        assertThat(answer.measured().ttftMillis().orElseThrow()).isEqualTo(10);
    }

    private Plan planned() {
        Latency none = new Latency(OptionalDouble.empty(), OptionalDouble.empty());
        return new Plan(List.of(), Answering.steady(nano.model().full()), none, none, true, OptionalDouble.empty());
    }

    private void draw(char token, double now) {
        float[] scores = new float[nano.model().tokenizer().vocabulary()];
        scores[nano.model().tokenizer().encode(String.valueOf(token)).ids()[0]] = 1;
        answer.next(scores, false, now);
    }

    private List<String> told() {
        List<String> pieces = new ArrayList<>();
        call.done(new Response("", FinishReason.LENGTH, 1, 0, answer.tokens(), planned(), List.of(), 0, answer.measured()));
        call.follow(pieces::add);
        return pieces;
    }
}
