package elms.server.cli;

import elms.kernels.Kernels;
import elms.kernels.jdk.Provider;
import elms.kernels.jdk.ProviderUnavailableException;
import elms.server.Machine;
import elms.server.store.DataFolder;
import elms.server.store.StoredModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(name = "doctor", mixinStandardHelpOptions = true, description = "Shows what Elms found on this machine and how it will compute.")
final class DoctorCommand implements Callable<Integer> {
    @Override
    public Integer call() throws IOException {
        row("java", System.getProperty("java.vm.name") + " " + Runtime.version());
        row("processor", Machine.processor() + " (" + Machine.architecture() + ")");
        row("threads", String.valueOf(Machine.cores()));
        row("memory", (Runtime.getRuntime().maxMemory() >> 20) + " MB for the Java heap");
        for (Provider provider : Provider.values()) {
            row("kernels", provider + ": " + state(provider));
        }
        Path folder = DataFolder.find();
        row("data folder", folder + (Files.isDirectory(folder) ? "" : " (not there yet)"));
        Path disk = folder;
        while (!Files.exists(disk)) {
            disk = disk.getParent();
        }
        row("free disk", (Files.getFileStore(disk).getUsableSpace() >> 20) + " MB" + (Files.isWritable(disk) ? "" : ", not writable"));
        for (StoredModel model : ModelOptions.store().list()) {
            row("model", model.name());
        }
        return 0;
    }

    private static String state(Provider provider) {
        try (Kernels kernels = provider.start(Machine.cores())) {
            return kernels.description();
        } catch (ProviderUnavailableException e) {
            return e.getMessage();
        }
    }

    private static void row(String name, String value) {
        System.out.printf("%-12s %s%n", name, value);
    }
}
