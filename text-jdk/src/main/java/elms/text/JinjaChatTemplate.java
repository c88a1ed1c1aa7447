package elms.text;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import elms.engine.ElmsException;
import elms.engine.text.ChatTemplate;
import elms.engine.text.Message;
import elms.engine.text.RenderedChat;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The chat template that a model carries, in Jinja. Messages are data: nothing in them is evaluated, and what looks like a
 * control token in them is broken up before rendering and put together again after it, when the template's own control
 * tokens have been found.
 */
public final class JinjaChatTemplate implements ChatTemplate {
    private static final long LARGEST_OUTPUT = 64L << 20;
    private static final int DEEPEST_RENDERING = 32;
    private static final int WARM_UP_RENDERINGS = 5;
    private static final String WARM_UP = "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}{{ bos_token }}"
            + "{% endif %}{{ message['role'] + '\\n' + message['content'] | trim + eos_token }}{% endfor %}";

    private final String source;
    private final Map<String, Object> constants;
    private final ControlTokens controls;
    private final Jinjava jinjava;
    private final Optional<ChatTemplate> frames;

    /**
     * @param source the template
     * @param beginToken what the template may call {@code bos_token}
     * @param endToken what it may call {@code eos_token}
     */
    public JinjaChatTemplate(String source, String beginToken, String endToken, Map<String, Integer> controlTokens) {
        this.source = source.endsWith("\n") ? source.substring(0, source.length() - 1) : source;
        this.constants = Map.of("bos_token", beginToken, "eos_token", endToken, "add_generation_prompt", true);
        this.controls = new ControlTokens(controlTokens);
        this.jinjava = new Jinjava(JinjavaConfig.newBuilder()
                .withTrimBlocks(true).withLstripBlocks(true).withKeepTrailingNewline(true)
                .withNestedInterpretationEnabled(false).withFailOnUnknownTokens(false)
                .withMaxOutputSize(LARGEST_OUTPUT).withMaxRenderDepth(DEEPEST_RENDERING)
                .withLegacyOverrides(LegacyOverrides.newBuilder().withEvaluateMapKeys(true).withUsePyishObjectMapper(true)
                        .withIterateOverMapKeys(true).withWhitespaceRequiredWithinTokens(false).build())
                .build());
        jinjava.getGlobalContext().registerFunction(
                new ELFunctionDefinition("", "raise_exception", JinjaChatTemplate.class, "raise", String.class));
        jinjava.getGlobalContext().registerFunction(
                new ELFunctionDefinition("", "strftime_now", JinjaChatTemplate.class, "today", String.class));
        this.frames = ChatFrames.suffice(source) ? Optional.of(new ChatFrames(this::renderByLibrary)) : Optional.empty();
    }

    /** Loads the template library's many classes, and has some of its code compiled: a first rendering takes a hundred times longer. */
    public static void warmUp() {
        ChatTemplate template = new JinjaChatTemplate(WARM_UP, "<s>", "</s>", Map.of("<s>", 1, "</s>", 2));
        for (int i = 0; i < WARM_UP_RENDERINGS; i++) {
            template.render(List.of(Message.user("What can you do?")));
        }
    }

    @Override
    public RenderedChat render(List<Message> messages) {
        return frames.map(known -> known.render(messages)).orElseGet(() -> renderByLibrary(messages));
    }

    /** Has the template evaluated; that takes 5 to 25 ms after a rest. */
    RenderedChat renderByLibrary(List<Message> messages) {
        char guard = controls.guardFor(messages);
        List<Map<String, String>> guarded = new ArrayList<>();
        for (Message message : messages) {
            guarded.add(Map.of("role", message.role(), "content", controls.breakUp(message.content(), guard)));
        }
        Map<String, Object> bindings = new HashMap<>(constants);
        bindings.put("messages", guarded);
        RenderResult result = jinjava.renderForResult(source, bindings);
        for (TemplateError error : result.getErrors()) {
            throw refusal(error.getException())
                    .orElseGet(() -> new ElmsException("the model's chat template failed: " + error.getMessage()));
        }
        return controls.find(result.getOutput(), guard);
    }

    /** What {@link #raise} threw, under the library's wrappings. */
    private static Optional<ElmsException> refusal(Throwable thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof ElmsException refusal) {
                return Optional.of(refusal);
            }
        }
        return Optional.empty();
    }

    /** A template's way to refuse a chat. */
    public static String raise(String message) {
        throw new ElmsException("the model's chat template refuses this chat: " + message);
    }

    /** Today's date in the one form that templates ask for. */
    public static String today(String format) {
        return LocalDate.now().format(DateTimeFormatter.ofPattern("dd MMM yyyy", Locale.ENGLISH));
    }
}
