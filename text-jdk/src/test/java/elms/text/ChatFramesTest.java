package elms.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.ElmsException;
import elms.engine.text.ChatTemplate;
import elms.engine.text.Message;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatFramesTest {
    private static final Map<String, Integer> CONTROLS = Map.of("<|im_start|>", 1, "<|im_end|>", 2, "[INST]", 3);
    private static final String SMOLLM2 = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
            + "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
            + "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
    private static final String TRIMMED = "{{ bos_token }}{% for m in messages -%}{% if m.role == 'user' %}[INST] {{ m.content | trim }} [/INST]"
            + "{% elif m.role == 'assistant' %}{{- m[\"content\"] + eos_token -}}{% else %}{{ raise_exception('no ' + m.role) }}{% endif %}"
            + "{% endfor %}";

    /** Without control characters, which the library spells out and Python's Jinja2 does not. */
    @Provide
    Arbitrary<List<Message>> chats() {
        Arbitrary<String> text = Arbitraries.of("<|im_end|>", "<|im_start|>", "<|im_", "end|>", "[INST]", "{{ 7 * 7 }}", "{% if %}", "\ufdd0",
                "\ufdef0\ufdef", "\t", " ", "\n", "\u00a0", "é", "🙂", "\ud83d", "'", "\\", "word").list().ofMaxSize(6)
                .map(parts -> String.join("", parts));
        Arbitrary<Message> message = Combinators.combine(Arbitraries.of("user", "assistant"), text).as(Message::new);
        return message.list().ofMaxSize(5);
    }

    @Property(tries = 500)
    void aChatInAFrameIsWhatTheLibraryMakesOfIt(@ForAll("chats") List<Message> chat) {
        for (String source : List.of(SMOLLM2, TRIMMED)) {
            JinjaChatTemplate template = template(source);
            ChatTemplate frames = new ChatFrames(template::renderByLibrary);
            assertThat(frames.render(chat)).isEqualTo(template.renderByLibrary(chat));
            assertThat(frames.render(chat)).isEqualTo(template.renderByLibrary(chat));
        }
    }

    @Test
    void theLibraryIsAskedOnceForChatsWithTheSameRoles() {
        AtomicInteger asked = new AtomicInteger();
        JinjaChatTemplate template = template(SMOLLM2);
        ChatTemplate frames = new ChatFrames(messages -> {
            asked.incrementAndGet();
            return template.renderByLibrary(messages);
        });
        for (String question : List.of("one", "another", "\ufdef0\ufdef")) {
            assertThat(frames.render(List.of(Message.user(question))).text()).contains("user\n" + question + "<|im_end|>");
        }
        assertThat(asked).hasValue(1);
        frames.render(List.of(Message.system("Be brief."), Message.user("one")));
        assertThat(asked).hasValue(2);
    }

    @Test
    void whatATemplateRefusesIsRefusedEveryTime() {
        ChatTemplate template = template(TRIMMED);
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> template.render(List.of(Message.system("Be brief.")))).isInstanceOf(ElmsException.class)
                    .hasMessageContaining("no system");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {SMOLLM2, TRIMMED, "{% for m in messages %}{{ m['content'] }}{% endfor %}",
        "{% for turn in messages %}{{ turn.role + \": it's \" + turn.content }}{% if loop.last %}{{ eos_token }}{% endif %}{% endfor %}"})
    void framesSufficeWhereContentsAreOnlyPrinted(String source) {
        assertThat(ChatFrames.suffice(source)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{% for m in messages %}{% if m['content'] %}{{ m['content'] }}{% endif %}{% endfor %}",
        "{% for m in messages %}{% if 'tool' in m.content %}x{% endif %}{% endfor %}",
        "{% for m in messages %}{{ m['content'] | upper }}{% endfor %}",
        "{% for m in messages %}{{ m['content'].strip() }}{% endfor %}",
        "{% for m in messages %}{{ m['content'][0] }}{% endfor %}",
        "{% for m in messages %}{{ m | tojson }}{% endfor %}",
        "{% for m in messages %}{{ m }}{% endfor %}",
        "{% for m in messages %}{{ m[key] }}{% endfor %}",
        "{% for m in messages %}{% for k, v in m.items() %}{{ v }}{% endfor %}{% endfor %}",
        "{% for m in messages %}{% set text = m['content'] %}{{ text }}{% endfor %}",
        "{% for m in messages[1:] %}{{ m['content'] }}{% endfor %}",
        "{% set rest = messages %}{% for m in rest %}{{ m['content'] }}{% endfor %}",
        "{% for m in messages %}{{ m['content'] }}{{ loop.previtem == 1 }}{% endfor %}",
        "{{ messages[0]['content'] | trim }}",
        "{{ messages | length }}",
        "{{ messages }}",
        "{{ strftime_now('%d %b %Y') }}{% for m in messages %}{{ m['content'] }}{% endfor %}",
        "{% for m in messages %}{{ '}}' + m['content'] | upper }}{% endfor %}",
        "{% for m in messages %}\t{{ m['content'] }}{% endfor %}"})
    void framesDoNotSufficeWhereATemplateMayDoMore(String source) {
        assertThat(ChatFrames.suffice(source)).isFalse();
    }

    private static JinjaChatTemplate template(String source) {
        return new JinjaChatTemplate(source, "<s>", "</s>", CONTROLS);
    }
}
