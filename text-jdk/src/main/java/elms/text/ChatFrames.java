package elms.text;

import elms.engine.text.ChatTemplate;
import elms.engine.text.Message;
import elms.engine.text.RenderedChat;
import elms.engine.text.RenderedChat.Control;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Chats by what a template puts around the contents of their messages. Where it does nothing with contents but print them, that depends
 * on the roles alone: a chat whose roles were met before is put together without the template library. Thread-safe.
 */
final class ChatFrames implements ChatTemplate {
    private static final String LITERAL = "'(?:[^'\\\\]|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\"";
    private static final String OPERAND = "(?:" + LITERAL + "|[a-zA-Z_]\\w*(?:\\s*\\|\\s*trim)?)";
    /** A tag that prints literals and variables. */
    private static final Pattern PRINT =
            Pattern.compile("\\{\\{-?\\s*" + OPERAND + "(?:\\s*\\+\\s*" + OPERAND + ")*\\s*-?\\}\\}", Pattern.DOTALL);
    private static final Pattern LOOP = Pattern.compile("\\{%-?\\s*for\\s+(\\w+)\\s+in\\s+messages\\s*-?%\\}");
    /** What else could tell one chat from another with the same roles, or one day from another. */
    private static final Pattern SUSPECT = Pattern.compile("content|loop\\.(prev|next)item|strftime_now");
    private static final String CONTENT = "elms_content";
    private static final String ROLE = "elms_role";

    /** Stands for contents; Unicode reserves it for a program's own use. */
    private static final char MARK = '\ufdef';
    /** Around a mark: gone where contents are trimmed. */
    private static final char SPACE = '\t';
    private static final Pattern MARKED = Pattern.compile(SPACE + "?" + MARK + "(\\d+)" + MARK + SPACE + "?");
    private static final int MOST = 256;

    private final ChatTemplate template;
    private final Map<List<String>, Frame> frames = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<List<String>, Frame> eldest) {
            return size() > MOST;
        }
    };

    ChatFrames(ChatTemplate template) {
        this.template = template;
    }

    /** Whether a template, in Jinja, does nothing with contents but print them, as they are or trimmed. If in doubt it does more. */
    static boolean suffice(String source) {
        String rest = source.replaceAll("\\bmessages\\s*\\[\\s*-?\\d+\\s*\\]\\s*" + key("role"), ROLE);
        for (MatchResult loop : LOOP.matcher(source).results().toList()) {
            String message = "\\b" + loop.group(1);
            rest = rest.replace(loop.group(), "").replaceAll(message + key("role"), ROLE).replaceAll(message + key("content"), CONTENT);
            if (Pattern.compile(message + "\\b").matcher(rest).find()) {
                return false;
            }
        }
        return !rest.contains("messages") && !SUSPECT.matcher(PRINT.matcher(rest).replaceAll("")).find()
                && source.indexOf(SPACE) < 0 && !source.contains("\\t");
    }

    private static String key(String name) {
        return "(?:\\[\\s*(?:'" + name + "'|\"" + name + "\")\\s*\\]|\\." + name + "\\b)";
    }

    @Override
    public RenderedChat render(List<Message> messages) {
        List<String> roles = messages.stream().map(Message::role).toList();
        return frame(roles).around(messages);
    }

    private synchronized Frame frame(List<String> roles) {
        Frame known = frames.get(roles);
        if (known == null) {
            known = Frame.of(template.render(IntStream.range(0, roles.size())
                    .mapToObj(i -> new Message(roles.get(i), "" + SPACE + MARK + i + MARK + SPACE)).toList()));
            frames.put(roles, known);
        }
        return known;
    }

    /** A place for the contents of a message. */
    private record Place(int message, boolean trimmed) {
        String content(List<Message> messages) {
            String content = messages.get(message).content();
            return trimmed ? content.trim() : content;
        }
    }

    /**
     * What a template writes.
     *
     * @param pieces before, between and behind the places
     */
    private record Frame(List<RenderedChat> pieces, List<Place> places) {
        static Frame of(RenderedChat marked) {
            List<RenderedChat> pieces = new ArrayList<>();
            List<Place> places = new ArrayList<>();
            int done = 0;
            for (MatchResult mark : MARKED.matcher(marked.text()).results().toList()) {
                pieces.add(piece(marked, done, mark.start()));
                places.add(new Place(Integer.parseInt(mark.group(1)), mark.group().charAt(0) != SPACE));
                done = mark.end();
            }
            pieces.add(piece(marked, done, marked.text().length()));
            return new Frame(pieces, places);
        }

        private static RenderedChat piece(RenderedChat chat, int from, int to) {
            return new RenderedChat(chat.text().substring(from, to), chat.controls().stream()
                    .filter(control -> control.start() >= from && control.end() <= to).map(control -> control.shifted(-from)).toList());
        }

        RenderedChat around(List<Message> messages) {
            StringBuilder text = new StringBuilder();
            List<Control> controls = new ArrayList<>();
            for (int i = 0; i < pieces.size(); i++) {
                int from = text.length();
                pieces.get(i).controls().forEach(control -> controls.add(control.shifted(from)));
                text.append(pieces.get(i).text()).append(i < places.size() ? places.get(i).content(messages) : "");
            }
            return new RenderedChat(text.toString(), controls);
        }
    }
}
