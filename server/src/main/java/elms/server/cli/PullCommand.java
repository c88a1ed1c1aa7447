package elms.server.cli;

import elms.server.store.StoredModel;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "pull", mixinStandardHelpOptions = true, description = "Fetches a model into the store and prints where it lies.")
final class PullCommand implements Callable<Integer> {
    @Parameters(paramLabel = "MODEL",
            description = "A name from the catalogue, or OWNER/REPOSITORY/FILE.gguf on the Hugging Face Hub.")
    private String model;

    @Override
    public Integer call() {
        try (Screen screen = new Screen()) {
            StoredModel stored = ModelOptions.stored(model, screen);
            System.out.println(stored.file());
            return 0;
        }
    }
}
