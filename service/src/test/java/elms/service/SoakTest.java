package elms.service;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.model.SubModel;
import elms.service.Response.FinishReason;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Some seconds of everything at once: cancels, slow readers, prompts that do not fit, pinned plans, apps that come and go. */
@Timeout(300)
class SoakTest {
    private static final int CALLERS = 12;
    private static final int REQUESTS = 25;
    private static final int PROMPTS = 40;

    @TempDir
    Path folder;

    private enum Mood { PATIENT, SLOW, FICKLE, GREEDY }

    @Test
    void everyStreamGetsItsOwnTextAndNothingIsLeftBehind() throws Exception {
        try (NanoService nano = new NanoService(folder)) {
            List<List<String>> expected = expected(nano);
            long before = nano.pagesInUse();
            try (ElmsService service = nano.open(Settings.usual().withCacheBytes(2 << 20));
                    ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<?>> all = new ArrayList<>();
                for (int caller = 0; caller < CALLERS; caller++) {
                    int seed = caller;
                    all.add(callers.submit(() -> calls(service, nano, expected, new Random(seed), seed)));
                }
                for (Future<?> caller : all) {
                    caller.get();
                }
            }
            assertThat(nano.pagesInUse()).isEqualTo(before);
        }
    }

    private static void calls(ElmsService service, NanoService nano, List<List<String>> expected, Random random, int caller) {
        Binding app = service.bind(AppProfile.of("app-" + caller));
        for (int i = 0; i < REQUESTS; i++) {
            int prompt = random.nextInt(PROMPTS);
            int plan = random.nextInt(9);
            Mood mood = Mood.values()[random.nextInt(Mood.values().length)];
            if (mood == Mood.GREEDY) {
                assertThat(refusal(app)).contains("but the context of nano holds");
                app = i % 5 == 0 ? service.bind(app.profile()) : app;
                continue;
            }
            Pin pin = new Pin(level(nano, plan).share(), level(nano, plan / 3).share());
            int cancelAfter = random.nextInt(20);
            Response response = app.call(ServiceUnderLoadTest.request(prompt(prompt), tokens(prompt)).withPin(Optional.of(pin)),
                    listener(mood, cancelAfter));
            String text = expected.get(plan).get(prompt);
            if (response.finishReason() == FinishReason.CANCELLED) {
                assertThat(mood).isEqualTo(Mood.FICKLE);
                assertThat(text).startsWith(response.text().replaceAll("\ufffd+$", ""));
            } else {
                assertThat(response.text()).isEqualTo(text);
            }
        }
    }

    private static String refusal(Binding app) {
        try {
            return app.call(ServiceUnderLoadTest.request("x".repeat(5000), 10), Listener.NONE).text();
        } catch (RuntimeException e) {
            return e.getMessage();
        }
    }

    private static Listener listener(Mood mood, int cancelAfter) {
        List<String> pieces = new ArrayList<>();
        return new Listener() {
            private Runnable end;

            @Override
            public void begun(Runnable cancel) {
                end = cancel;
            }

            @Override
            public void text(String piece) {
                pieces.add(piece);
                if (mood == Mood.FICKLE && pieces.size() > cancelAfter) {
                    end.run();
                }
                if (mood == Mood.SLOW) {
                    Thread.yield();
                }
            }
        };
    }

    /** What the plain engine answers to every prompt under every plan. */
    private static List<List<String>> expected(NanoService nano) {
        return IntStream.range(0, 9).mapToObj(plan -> IntStream.range(0, PROMPTS).mapToObj(prompt ->
                nano.plainText(prompt(prompt), level(nano, plan), level(nano, plan / 3), tokens(prompt))).toList()).toList();
    }

    private static SubModel level(NanoService nano, int index) {
        return nano.model().levels().get(index % 3);
    }

    /** Some of them begin alike. */
    private static String prompt(int index) {
        return "A beginning that some prompts share. ".repeat(index % 5) + "And number " + index;
    }

    private static int tokens(int prompt) {
        return 1 + 3 * prompt;
    }
}
