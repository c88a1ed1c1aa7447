package elms.server.cli;

import elms.server.store.StoredModel;
import picocli.CommandLine.Parameters;

/** Which model, on which kernels. */
final class ModelOptions extends KernelOptions {
    @Parameters(index = "0", paramLabel = "MODEL",
            description = "A name from the catalogue (smollm2), a .gguf file, or OWNER/REPOSITORY/FILE.gguf on the Hugging Face Hub.")
    private String model;

    /** What the user calls the model. */
    String model() {
        return model;
    }

    /** The model file, fetched if need be. */
    StoredModel stored(Screen screen) {
        return stored(model, screen);
    }

    /** Starts the kernels while the model file is read, and prepares the model if need be. */
    Started start(Screen screen) {
        return start(model, screen);
    }
}
