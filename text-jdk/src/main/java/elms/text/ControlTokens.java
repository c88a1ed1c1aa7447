package elms.text;

import elms.engine.ElmsException;
import elms.engine.text.Message;
import elms.engine.text.RenderedChat;
import elms.engine.text.RenderedChat.Control;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Tells control tokens that a template wrote from text that only looks like them. */
public final class ControlTokens {
    /** Characters that Unicode reserves for a program's own use and that stand for nothing. */
    private static final char FIRST_GUARD = '\ufdd0';
    private static final char LAST_GUARD = '\ufdef';

    private final Map<String, Integer> ids;
    private final Pattern any;

    /** Spellings of one character are left out: they cannot be broken up, so they are never control tokens in a chat. */
    public ControlTokens(Map<String, Integer> ids) {
        this.ids = Map.copyOf(ids);
        List<String> spellings = ids.keySet().stream().filter(spelling -> spelling.length() > 1).toList();
        any = spellings.isEmpty() ? null : Pattern.compile(spellings.stream()
                .sorted(Comparator.comparing(String::length).reversed()).map(Pattern::quote).collect(Collectors.joining("|")));
    }

    /** A character that none of the messages contains. */
    char guardFor(List<Message> messages) {
        for (char guard = FIRST_GUARD; guard <= LAST_GUARD; guard++) {
            int candidate = guard;
            if (messages.stream().noneMatch(message -> message.content().indexOf(candidate) >= 0)) {
                return guard;
            }
        }
        throw new ElmsException("the messages contain all 32 characters that Unicode reserves for programs");
    }

    /** Puts {@code guard} behind the first character of everything that looks like a control token. */
    String breakUp(String text, char guard) {
        if (any == null) {
            return text;
        }
        String broken = text;
        for (Matcher matcher = any.matcher(broken); matcher.find(); matcher = any.matcher(broken)) {
            broken = matcher.replaceAll(match -> Matcher.quoteReplacement(
                    match.group().charAt(0) + String.valueOf(guard) + match.group().substring(1)));
        }
        return broken;
    }

    /** Finds the control tokens of a text that may be trusted in every character. */
    public RenderedChat find(String text) {
        return find(text, guardFor(List.of(Message.user(text))));
    }

    /** Finds the control tokens of a text, then takes out the guards. */
    RenderedChat find(String text, char guard) {
        StringBuilder clean = new StringBuilder();
        List<Control> controls = new ArrayList<>();
        int done = 0;
        Matcher matcher = any == null ? null : any.matcher(text);
        while (matcher != null && matcher.find()) {
            append(clean, text, done, matcher.start(), guard);
            int start = clean.length();
            clean.append(matcher.group());
            controls.add(new Control(start, clean.length(), ids.get(matcher.group())));
            done = matcher.end();
        }
        append(clean, text, done, text.length(), guard);
        return new RenderedChat(clean.toString(), List.copyOf(controls));
    }

    private static void append(StringBuilder clean, String text, int from, int to, char guard) {
        for (int i = from; i < to; i++) {
            if (text.charAt(i) != guard) {
                clean.append(text.charAt(i));
            }
        }
    }
}
