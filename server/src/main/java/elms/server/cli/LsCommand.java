package elms.server.cli;

import elms.server.store.Catalogue;
import elms.server.store.StoredModel;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(name = "ls", mixinStandardHelpOptions = true, description = "Lists the models in the store, and those that can be pulled by name.")
final class LsCommand implements Callable<Integer> {
    private static final String ROW = "%-40s %9s  %s%n";

    @Override
    public Integer call() throws IOException {
        List<StoredModel> stored = ModelOptions.store().list();
        System.out.printf(Locale.ROOT, ROW, "NAME", "SIZE", "SHA-256");
        for (StoredModel model : stored) {
            System.out.printf(Locale.ROOT, ROW, model.name(), megabytes(Files.size(model.file())), model.sha256().substring(0, 12));
        }
        for (Catalogue.Entry entry : Catalogue.entries()) {
            if (stored.stream().noneMatch(model -> model.name().equals(entry.name()))) {
                System.out.printf(Locale.ROOT, ROW, entry.name(), megabytes(entry.bytes()), "not pulled yet");
            }
        }
        return 0;
    }

    private static String megabytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
    }
}
