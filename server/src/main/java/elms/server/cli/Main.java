package elms.server.cli;

import elms.engine.ElmsException;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line. */
@Command(name = "elms", mixinStandardHelpOptions = true, version = "elms 0.1.0", synopsisSubcommandLabel = "COMMAND",
        description = "An LLM service for one device that gives every request the latency its app asked for.",
        footer = {"", "Start with: elms run smollm2 \"Why is the sky blue?\" --ttft 300ms --tpot 20ms"})
public final class Main implements Runnable {
    private static final List<Class<?>> COMMANDS = List.of(RunCommand.class, ServeCommand.class, PsCommand.class, PullCommand.class,
            LsCommand.class, ShowCommand.class, RmCommand.class, ProfileCommand.class, BenchCommand.class, BenchFileCommand.class,
            GrowthCommand.class, ElasticizeCommand.class, AblateCommand.class, CompressCommand.class, EvalCommand.class, ExportCommand.class,
            DoctorCommand.class);
    private static final int FAILED = 1;
    private static final int WRONG_USAGE = 2;

    @Spec
    private CommandSpec spec;

    public static void main(String[] arguments) {
        System.exit(commandLine(arguments).execute(arguments));
    }

    /** What understands these arguments. The command that they begin with is the only one it knows, which is known sooner than all. */
    static CommandLine commandLine(String... arguments) {
        CommandLine line = new CommandLine(new Main());
        List<Class<?>> named = COMMANDS.stream()
                .filter(command -> arguments.length > 0 && command.getAnnotation(Command.class).name().equals(arguments[0])).toList();
        (named.isEmpty() ? COMMANDS : named).forEach(line::addSubcommand);
        return line.setCaseInsensitiveEnumValuesAllowed(true)
                .setExitCodeExceptionMapper(e -> FAILED)
                .setParameterExceptionHandler((e, given) -> {
                    e.getCommandLine().getErr().println("elms: " + message(e) + "; see "
                            + e.getCommandLine().getCommandSpec().qualifiedName() + " --help");
                    return WRONG_USAGE;
                })
                .setExecutionExceptionHandler((e, commandLine, result) -> {
                    if (e instanceof ElmsException) {
                        commandLine.getErr().println("elms: " + e.getMessage());
                    } else {
                        commandLine.getErr().println("elms: something went wrong that should not have: " + e);
                        e.printStackTrace(commandLine.getErr());
                    }
                    return FAILED;
                });
    }

    private static String message(ParameterException e) {
        boolean first = e.getCommandLine().getParent() == null;
        if (first && e instanceof UnmatchedArgumentException unmatched && !unmatched.isUnknownOption()) {
            String similar = unmatched.getSuggestions().stream().findFirst().map(name -> ", but '" + name + "'").orElse("");
            return "there is no command '" + unmatched.getUnmatched().get(0) + "'" + similar;
        }
        return e.getMessage();
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "no command is given");
    }
}
