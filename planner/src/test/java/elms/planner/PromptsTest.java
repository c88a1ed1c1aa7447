package elms.planner;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.text.Message;
import elms.engine.text.Range;
import elms.engine.text.RenderedChat;
import elms.engine.text.Tokenizer;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PromptsTest {
    private static final String LONG = "Many words without an end follow here, and more of them. ".repeat(12).strip();
    /** Cuts text into words; nothing else is asked of it. */
    private static final Tokenizer WORDS = (Tokenizer) Proxy.newProxyInstance(Tokenizer.class.getClassLoader(), new Class<?>[] {Tokenizer.class},
            (proxy, method, arguments) -> TextPrompt.words(arguments[0] instanceof RenderedChat chat ? chat.text() : (String) arguments[0]));

    @Test
    void theLastParagraphOfTheLastTurnIsItsQuestion() {
        assertThat(cuttable(Message.system("Be kind."), Message.user(LONG + "\n\nWhat is this?"))).containsExactly("Be kind.", LONG);
    }

    @Test
    void whatWasSaidFirstGoesFirstAndWhatMayNotBeCutStays() {
        String text = LONG + "\n\n" + LONG + "\n\nWhat is this?";
        Prompt whole = TextPrompt.of(text, new Range(0, text.indexOf("What")));
        int most = whole.tokens() * 11 / 20;
        Prompt shortened = Prompts.shortened(whole, most, 0);
        assertThat(shortened.tokens()).isBetween(most / 2, most);
        assertThat(shortened.encoding().ids())
                .isEqualTo(IntStream.range(whole.tokens() - shortened.tokens(), whole.tokens()).toArray());
        assertThat(Prompts.shortened(whole, most, text.indexOf("\n\n")).encoding().ids()).startsWith(0, 1, 2);
        assertThat(Prompts.shortened(whole, 1, 0).encoding().ids()).isEqualTo(Prompts.shortened(whole, 3, 0).encoding().ids())
                .hasSize(3);
    }

    @Test
    void aLongLastParagraphComesAfterTheQuestion() {
        assertThat(cuttable(Message.user("Sum this up:\n\n" + LONG))).containsExactly("\n\n" + LONG);
    }

    @Test
    void earlierTurnsMayBeCutAndAShortOneIsAQuestion() {
        assertThat(cuttable(Message.user("Who are you?"), Message.assistant("A model."), Message.user("Of what?")))
                .containsExactly("Who are you?", "A model.");
    }

    @Test
    void ofOneLongParagraphTheLastSentenceStays() {
        List<String> cut = cuttable(Message.user(LONG + " Why is that?"));
        assertThat(cut).hasSize(1);
        assertThat(cut.getFirst()).startsWith("Many words").doesNotContain("Why");
    }

    @Test
    void whatTheCallerMarkedStays() {
        Message marked = new Message("user", "one two three\n\nWhy?", List.of(new Range(4, 7)));
        assertThat(cuttable(marked)).containsExactly("one ", " three");
    }

    @Test
    void markupIsNeverCuttableEvenWhereAMessageRepeatsIt() {
        assertThat(cuttable(Message.user("<user>"), Message.user("And now?"))).containsExactly("<user>");
    }

    private static List<String> cuttable(Message... messages) {
        String text = List.of(messages).stream().map(message -> "<" + message.role() + ">\n" + message.content().strip() + "\n")
                .collect(Collectors.joining()) + "<assistant>\n";
        Prompt prompt = Prompts.of(List.of(messages), new RenderedChat(text, List.of()), WORDS);
        return prompt.cuttable().stream().map(range -> prompt.text().substring(range.start(), range.end())).toList();
    }
}
