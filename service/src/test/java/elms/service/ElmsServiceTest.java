package elms.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.ElmsException;
import elms.engine.text.Message;
import elms.planner.Limit;
import elms.planner.Plan;
import elms.planner.Slo;
import elms.service.Response.FinishReason;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The way of a request on a small random model: its answers are noise, the same at every run. */
class ElmsServiceTest {
    @TempDir
    static Path folder;

    private static NanoService nano;
    private static ElmsService service;
    private static Binding app;

    @BeforeAll
    static void open() {
        nano = new NanoService(folder);
        service = nano.open(Settings.usual());
        app = service.bind(AppProfile.of("test"));
    }

    @AfterAll
    static void close() {
        service.close();
        nano.close();
    }

    @Test
    void whatIsStreamedIsTheAnswer() {
        List<String> events = new ArrayList<>();
        Response response = app.call(request("hello", 40), new Listener() {
            @Override
            public void planned(Plan plan) {
                events.add("plan of " + plan.promptTokens());
            }

            @Override
            public void text(String piece) {
                events.add(piece);
            }
        });
        assertThat(events.getFirst()).isEqualTo("plan of 5");
        assertThat(String.join("", events.subList(1, events.size()))).isEqualTo(response.text()).isNotEmpty();
        assertThat(response.completionTokens()).isBetween(1, 40);
        assertThat(response.measured().ttftMillis().orElseThrow()).isPositive();
        assertThat(response.sloMet()).isTrue();
    }

    @Test
    void theSameRequestGetsTheSameAnswer() {
        Request request = request("tell me", 30);
        assertThat(app.call(request, Listener.NONE).text()).isEqualTo(app.call(request, Listener.NONE).text());
    }

    @Test
    void theLongestAnswerAndTheContextBoundTheLength() {
        Response one = app.call(request("hello", 1), Listener.NONE);
        assertThat(one.completionTokens()).isEqualTo(1);
        assertThat(one.measured().tpotMillis()).isEmpty();
        int room = 3;
        Response nearlyFull = app.call(request("x".repeat(2048 - room), 100), Listener.NONE);
        assertThat(nearlyFull.completionTokens()).isLessThanOrEqualTo(room);
    }

    @Test
    void aPromptThatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> app.call(request("x".repeat(2048), 10), Listener.NONE)).isInstanceOf(ElmsException.class)
                .hasMessageContaining("2048 tokens, but the context of nano holds 2048");
    }

    @Test
    void aStopStringEndsTheAnswerBeforeIt() {
        String whole = app.call(request("hello", 60), Listener.NONE).text();
        String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 2);
        Response stopped = app.call(request("hello", 60).withStops(List.of(stop)), Listener.NONE);
        assertThat(stopped.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(whole).startsWith(stopped.text() + stop);
    }

    @Test
    void aCallerCanGiveUp() {
        Response response = app.call(request("hello", 2000), new Listener() {
            @Override
            public void begun(Runnable cancel) {
                cancel.run();
            }

            @Override
            public void text(String piece) {}
        });
        assertThat(response.finishReason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(response.completionTokens()).isLessThan(2000);
    }

    @Test
    void strictRefusesBeforeComputingAndBestEffortGoesOn() {
        Slo impossible = new Slo(Optional.of(new Limit.Time(1e-9)), Optional.empty());
        assertThatThrownBy(() -> app.call(request(impossible, true), Listener.NONE)).isInstanceOf(InfeasibleException.class)
                .hasMessageContaining("a TTFT of 0.0 ms is asked for");
        Response response = app.call(request(impossible, false), Listener.NONE);
        assertThat(response.plan().feasible()).isFalse();
        assertThat(response.sloMet()).isFalse();
    }

    @Test
    void aPinnedLevelIsTheNearest() {
        Response response = app.call(request("hello", 5).withPin(Optional.of(Pin.of(0.1))), Listener.NONE);
        assertThat(response.plan().decode().share()).isLessThan(0.9);
        assertThat(response.plan().prefillLevel()).isEqualTo(response.plan().decode().share());
    }

    @Test
    void requestsThatMakeNoSenseAreRefused() {
        assertThatThrownBy(() -> request("hi", 0)).isInstanceOf(ElmsException.class).hasMessageContaining("at least 1");
        assertThatThrownBy(() -> Pin.of(Double.NaN)).isInstanceOf(ElmsException.class).hasMessageContaining("the level is NaN");
        assertThatThrownBy(() -> request("hi", 5).withStops(List.of("")))
                .isInstanceOf(ElmsException.class).hasMessageContaining("stop string");
    }

    private static Request request(String prompt, int maxTokens) {
        return Request.of(List.of(Message.user(prompt)), maxTokens);
    }

    private static Request request(Slo slo, boolean strict) {
        return request("hello", 5).withSlo(slo).withStrict(strict);
    }
}
