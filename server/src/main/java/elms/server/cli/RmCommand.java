package elms.server.cli;

import elms.engine.ElmsException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "rm", mixinStandardHelpOptions = true, description = "Removes a model from the store, with all that was prepared for it.")
final class RmCommand implements Callable<Integer> {
    @Parameters(paramLabel = "MODEL", description = "Its name, as elms ls shows it.")
    private String model;

    @Override
    public Integer call() {
        if (!ModelOptions.store().remove(model)) {
            throw new ElmsException("there is no model '" + model + "' in the store; elms ls lists them");
        }
        return 0;
    }
}
