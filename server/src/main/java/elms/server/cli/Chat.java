package elms.server.cli;

import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.engine.text.Message;
import elms.planner.Limit;
import elms.planner.Slo;
import elms.server.store.DataFolder;
import elms.service.Binding;
import elms.service.Listener;
import elms.service.Pin;
import elms.service.Request;
import elms.service.Response;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.Terminal.SignalHandler;
import org.jline.terminal.TerminalBuilder;

/** A conversation in a terminal. Ctrl-C ends an answer, Ctrl-D the conversation. */
final class Chat {
    private static final String HELP = """
            /slo TTFT TPOT   latencies to keep from now on, such as: /slo 0.4 0.7 or /slo 300ms 40ms; /slo off
            /level L         use the level nearest to this share of the model, such as: /level 0.6; /level auto
            /clear           begin a new conversation
            /bye             leave""";

    private final ElasticModel model;
    private final Binding app;
    private final List<Message> messages = new ArrayList<>();
    private final int systemMessages;
    private Request settings;
    /** Ends the answer that runs. */
    private volatile Runnable cancel = () -> {};

    /**
     * @param settings all but the conversation; may begin with a system message
     */
    Chat(ElasticModel model, Binding app, Request settings) {
        this.model = model;
        this.app = app;
        this.settings = settings;
        messages.addAll(settings.messages());
        systemMessages = messages.size();
    }

    void run() throws IOException {
        try (Terminal terminal = TerminalBuilder.builder().system(true).build()) {
            LineReader reader = LineReaderBuilder.builder().terminal(terminal).appName("elms")
                    .variable(LineReader.HISTORY_FILE, DataFolder.find().resolve("history"))
                    .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true).build();
            terminal.writer().println("Chatting with " + model.name() + "; /help tells what else can be typed.");
            for (Optional<String> line = read(reader); line.isPresent(); line = read(reader)) {
                String text = line.get().strip();
                if (text.equals("/bye")) {
                    return;
                }
                try {
                    if (text.startsWith("/")) {
                        terminal.writer().println(command(text.split("\\s+")));
                    } else if (!text.isEmpty()) {
                        answer(text, terminal);
                    }
                } catch (ElmsException e) {
                    terminal.writer().println("elms: " + e.getMessage());
                }
                terminal.flush();
            }
        }
    }

    /** A line; an empty one after Ctrl-C, none after Ctrl-D. */
    private static Optional<String> read(LineReader reader) {
        try {
            return Optional.of(reader.readLine(">>> "));
        } catch (UserInterruptException e) {
            return Optional.of("");
        } catch (EndOfFileException e) {
            return Optional.empty();
        }
    }

    private void answer(String text, Terminal terminal) {
        messages.add(Message.user(text));
        SignalHandler before = terminal.handle(Signal.INT, signal -> cancel.run());
        try {
            Response response = app.call(settings.withMessages(messages), new Shown(terminal.writer()));
            messages.add(Message.assistant(response.text()));
            terminal.writer().println();
            terminal.writer().println("\u001b[2m" + RunReport.line(response) + "\u001b[0m");
        } catch (ElmsException e) {
            messages.removeLast();
            throw e;
        } finally {
            terminal.handle(Signal.INT, before);
        }
    }

    private String command(String[] words) {
        switch (words[0]) {
            case "/slo" -> {
                if (words.length == 2 && words[1].equals("off")) {
                    settings = settings.withSlo(Slo.NONE);
                } else if (words.length == 3) {
                    settings = settings.withSlo(new Slo(Optional.of(Limit.parse(words[1])), Optional.of(Limit.parse(words[2]))));
                } else {
                    return "write /slo TTFT TPOT, such as /slo 0.4 0.7, or /slo off";
                }
                return "from now on: " + (settings.slo().equals(Slo.NONE) ? "no SLO" : "TTFT " + words[1] + ", TPOT " + words[2]);
            }
            case "/level" -> {
                if (words.length != 2) {
                    return "write /level L, such as /level 0.6, or /level auto";
                }
                settings = settings.withPin(words[1].equals("auto") ? Optional.empty() : Optional.of(Pin.of(share(words[1]))));
                return settings.pin().map(pin -> "from now on: level %.2f".formatted(model.nearest(pin.answer()).share()))
                        .orElse("from now on: levels by the SLO");
            }
            case "/clear" -> {
                messages.subList(systemMessages, messages.size()).clear();
                return "a new conversation";
            }
            case "/help", "/?" -> {
                return HELP;
            }
            default -> {
                return "there is no command " + words[0] + "; /help lists them";
            }
        }
    }

    private static double share(String word) {
        try {
            return Double.parseDouble(word);
        } catch (NumberFormatException e) {
            throw new ElmsException("'" + word + "' is no level; write a share of the model such as 0.6", e);
        }
    }

    /** Writes the answer as it comes. */
    private final class Shown implements Listener {
        private final PrintWriter out;

        Shown(PrintWriter out) {
            this.out = out;
        }

        @Override
        public void begun(Runnable ends) {
            cancel = ends;
        }

        @Override
        public void text(String piece) {
            out.print(piece);
            out.flush();
        }
    }
}
