package elms.server.cli;

import elms.engine.ElmsException;
import elms.planner.Prompt;
import elms.planner.Prompts;
import elms.planner.WordCompression;
import elms.planner.compact.Opinion;
import elms.planner.compact.PromptReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "compress", mixinStandardHelpOptions = true,
        description = "Shortens a text to the words that matter most to a model's answer; its question stays, and so do numbers and names"
                + " from programs. A terminal shows what is cut, dimmed.")
final class CompressCommand implements Callable<Integer> {
    private static final double USUAL_RATIO = 0.5;
    private static final String DIM = "\u001b[2;9m";
    private static final String PLAIN = "\u001b[0m";

    @Spec
    private CommandSpec spec;

    @Mixin
    private KernelOptions options;

    @Parameters(paramLabel = "FILE", description = "UTF-8 text; its last paragraph is the question, if it is short.")
    private Path file;

    @Option(names = "--model", paramLabel = "MODEL", defaultValue = "smollm2",
            description = "The model that is to read it (default: ${DEFAULT-VALUE}).")
    private String model;

    @Option(names = "--ratio", paramLabel = "R", description = "Share of the tokens to keep, above 0 and up to 1 (default: 0.5).")
    private Double ratio;

    @Option(names = "--tokens", paramLabel = "N", description = "Tokens to keep, instead of a share.")
    private Integer tokens;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    /** What {@code --json} prints. */
    private record Report(String text, int tokensBefore, int tokensAfter) {}

    @Override
    public Integer call() {
        check();
        String text = text();
        try (Screen screen = new Screen(); KernelOptions.Started started = options.start(model, screen)) {
            PromptReader reader = started.reader().orElseThrow(() -> new ElmsException("the pack of " + model
                    + " has no planner; train one with elms elasticize " + model + " --only planner --calibration FILE…"));
            Prompt prompt = Prompts.of(text, started.model().tokenizer());
            Opinion opinion = reader.read(prompt.text(), prompt.cuttable());
            int most = tokens != null ? tokens : (int) Math.round((ratio != null ? ratio : USUAL_RATIO) * prompt.tokens());
            BitSet kept = WordCompression.kept(prompt, opinion, most);
            screen.close();
            print(prompt, kept);
        }
        return 0;
    }

    private void check() {
        if (ratio != null && tokens != null) {
            throw new ParameterException(spec.commandLine(), "--ratio and --tokens exclude each other");
        }
        if (ratio != null && !(ratio > 0 && ratio <= 1)) {
            throw new ParameterException(spec.commandLine(), "--ratio is " + ratio + ", but must be above 0 and at most 1");
        }
        if (tokens != null && tokens < 1) {
            throw new ParameterException(spec.commandLine(), "--tokens is " + tokens + ", but must be at least 1");
        }
    }

    private String text() {
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new ElmsException(file + " is not UTF-8 text", e);
        } catch (NoSuchFileException e) {
            throw new ElmsException("there is no file " + file, e);
        } catch (IOException e) {
            throw new ElmsException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private void print(Prompt prompt, BitSet kept) {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        if (json) {
            out.println(Json.of(new Report(WordCompression.text(prompt, kept), prompt.tokens(), kept.cardinality())));
        } else if (Ansi.AUTO.enabled()) {
            out.println(coloured(prompt, kept));
        } else {
            out.println(WordCompression.text(prompt, kept));
        }
        out.flush();
    }

    /** The whole text, with what is cut dimmed and struck through. */
    private static String coloured(Prompt prompt, BitSet kept) {
        StringBuilder text = new StringBuilder();
        int done = 0;
        for (int token = 0; token < prompt.tokens(); token++) {
            int end = Math.max(done, prompt.encoding().ends()[token]);
            String piece = prompt.text().substring(done, end);
            text.append(kept.get(token) ? piece : DIM + piece + PLAIN);
            done = end;
        }
        return text.toString();
    }
}
