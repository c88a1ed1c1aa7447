package elms.service;

import static elms.service.ServiceUnderLoadTest.request;
import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.decode.KvCache;
import elms.engine.model.SubModel;
import elms.engine.text.Message;
import elms.planner.Plan.Span;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrefixCacheTest {
    private static final AppProfile MAIL = AppProfile.of("mail");
    private static final AppProfile KEYS = AppProfile.of("keys");
    private static final String SECRET = "my password is swordfish and my cat is called Tom";

    @TempDir
    Path folder;

    private NanoService nano;

    @BeforeEach
    void load() {
        nano = new NanoService(folder);
    }

    @AfterEach
    void close() {
        nano.close();
    }

    @Test
    void theLongestBeginningIsFoundButNeverAWholePrompt() {
        try (PrefixCache cache = new PrefixCache(Long.MAX_VALUE)) {
            int[] prompt = ids(100);
            keep(cache, MAIL, prompt, level(0));
            assertThat(found(cache, MAIL, Arrays.copyOf(prompt, 150))).isEqualTo(100);
            assertThat(found(cache, MAIL, prompt)).isEqualTo(99);
            int[] other = prompt.clone();
            other[40]++;
            assertThat(found(cache, MAIL, other)).isEqualTo(40);
        }
    }

    @Test
    void whatAnUnusableLevelHasReadIsNotFound() {
        try (PrefixCache cache = new PrefixCache(Long.MAX_VALUE)) {
            int[] prompt = ids(100);
            KvCache read = nano.transformer().newCache(100);
            nano.transformer().read(Arrays.copyOf(prompt, 60), level(0), read);
            nano.transformer().read(Arrays.copyOfRange(prompt, 60, 100), level(1), read);
            cache.keep(MAIL, List.of(new Span(Arrays.copyOf(prompt, 60), level(0)),
                    new Span(Arrays.copyOfRange(prompt, 60, 100), level(1))), read);
            assertThat(cache.find(MAIL, prompt, level -> level == level(0)).orElseThrow().length()).isEqualTo(60);
            assertThat(cache.find(MAIL, prompt, level -> level == level(1))).isEmpty();
            List<SubModel> asked = new ArrayList<>();
            assertThat(cache.find(MAIL, prompt, asked::add).orElseThrow().spans()).extracting(Span::length).containsExactly(60, 39);
            assertThat(asked).as("once for tokens of one level").containsExactly(level(0), level(1));
        }
    }

    @Test
    void anAppSeesAnothersPartOnlyIfBothArePublic() {
        try (PrefixCache cache = new PrefixCache(Long.MAX_VALUE)) {
            int[] prompt = ids(100);
            keep(cache, MAIL.withPublicCache(true), prompt, level(0));
            assertThat(found(cache, KEYS, prompt)).isZero();
            assertThat(found(cache, KEYS.withPublicCache(true), prompt)).isEqualTo(99);
            keep(cache, KEYS, ids(90), level(0));
            assertThat(found(cache, MAIL.withPublicCache(true), ids(90))).isZero();
            cache.forget("mail");
            assertThat(found(cache, MAIL, prompt)).isZero();
        }
    }

    @Test
    void theAppThatTakesMostGivesUpWhatItUsedLeastRecently() {
        int[] first = new Random(1).ints(200, 0, 256).toArray();
        long one = bytes(first);
        try (PrefixCache cache = new PrefixCache(3 * one)) {
            keep(cache, KEYS, new Random(9).ints(200, 0, 256).toArray(), level(0));
            keep(cache, MAIL, first, level(0));
            int[] second = new Random(2).ints(200, 0, 256).toArray();
            keep(cache, MAIL, second, level(0));
            assertThat(found(cache, MAIL, first)).isEqualTo(199);
            keep(cache, MAIL, new Random(3).ints(200, 0, 256).toArray(), level(0));
            assertThat(cache.bytes()).isEqualTo(3 * one);
            assertThat(found(cache, MAIL, first)).isEqualTo(199);
            assertThat(found(cache, MAIL, second)).isZero();
            assertThat(found(cache, KEYS, new Random(9).ints(200, 0, 256).toArray())).isEqualTo(199);
        }
    }

    @Test
    void aLongerBeginningTakesThePlaceOfAShorterOne() {
        try (PrefixCache cache = new PrefixCache(Long.MAX_VALUE)) {
            int[] prompt = ids(100);
            keep(cache, MAIL, Arrays.copyOf(prompt, 50), level(0));
            keep(cache, MAIL, prompt, level(0));
            assertThat(cache.size()).isEqualTo(1);
            keep(cache, MAIL, Arrays.copyOf(prompt, 70), level(1));
            assertThat(cache.size()).isEqualTo(2);
        }
    }

    @Test
    void aConversationGoesOnWhereItStoodWithTheSameText() {
        try (ElmsService service = nano.open(Settings.usual())) {
            Binding app = service.bind(MAIL);
            String question = "a question of some length, the first of two";
            Response first = app.call(request(question, 30), Listener.NONE);
            assertThat(first.cachedTokens()).isZero();
            List<Message> chat = List.of(Message.user(question), Message.user("and another one"));
            Response second = app.call(Request.of(chat, 30), Listener.NONE);
            assertThat(second.cachedTokens()).isGreaterThanOrEqualTo(question.length());
            assertThat(second.text()).isEqualTo(nano.plainText(question + "\nand another one", level(0), level(0), 30));
        }
    }

    @Test
    void theBeginningOfABoundAppsPromptsIsReady() throws InterruptedException {
        String system = "You are a helpful assistant for letters and notes.";
        try (ElmsService service = nano.open(Settings.usual())) {
            Binding app = service.bind(MAIL.withSystem(List.of(Message.system(system))));
            int cached = 0;
            for (int i = 0; cached == 0; i++) {
                Request request = Request.of(List.of(Message.system(system), Message.user(i + " hi")), 1);
                cached = app.call(request, Listener.NONE).cachedTokens();
            }
            assertThat(cached).isEqualTo(system.length() + 1);
        }
    }

    @Test
    void anAppCannotTellFromCachedTokensWhatAnotherSent() {
        try (ElmsService service = nano.open(Settings.usual())) {
            Binding mail = service.bind(MAIL.withPublicCache(true));
            Binding keys = service.bind(KEYS);
            mail.call(request(SECRET, 10), Listener.NONE);
            for (String guess : List.of(SECRET, SECRET + "?", "something else of about the same length, to compare")) {
                assertThat(keys.call(request(guess, 1), Listener.NONE).cachedTokens()).isZero();
                service.bind(KEYS);
                keys = service.bind(KEYS);
            }
            assertThat(mail.call(request(SECRET, 1), Listener.NONE).cachedTokens()).isEqualTo(SECRET.length() - 1);
        }
    }

    @Test
    void anUnboundAppLeavesNothingBehind() {
        try (ElmsService service = nano.open(Settings.usual())) {
            try (Binding app = service.bind(MAIL)) {
                app.call(request(SECRET, 10), Listener.NONE);
            }
            assertThat(service.bind(MAIL).call(request(SECRET, 1), Listener.NONE).cachedTokens()).isZero();
        }
    }

    private SubModel level(int index) {
        return nano.model().levels().get(index);
    }

    private static int found(PrefixCache cache, AppProfile app, int[] prompt) {
        Optional<PrefixCache.Match> match = cache.find(app, prompt, level -> true);
        return match.map(PrefixCache.Match::length).orElse(0);
    }

    private void keep(PrefixCache cache, AppProfile app, int[] prompt, SubModel level) {
        KvCache read = nano.transformer().newCache(prompt.length);
        nano.transformer().read(prompt, level, read);
        cache.keep(app, List.of(new Span(prompt, level)), read);
    }

    private long bytes(int[] prompt) {
        try (KvCache read = nano.transformer().newCache(prompt.length)) {
            nano.transformer().read(prompt, level(0), read);
            return read.bytes();
        }
    }

    private static int[] ids(int count) {
        return new Random(count).ints(count, 0, 256).toArray();
    }
}
