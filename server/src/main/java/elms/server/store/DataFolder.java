package elms.server.store;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/** Where Elms keeps models, caches and chat history. */
public final class DataFolder {
    private DataFolder() {}

    /** {@code $ELMS_HOME}, or the folder that the system means for a user's data. */
    public static Path find() {
        return find(System.getenv(), System.getProperty("os.name"), Path.of(System.getProperty("user.home")));
    }

    static Path find(Map<String, String> environment, String system, Path home) {
        String chosen = environment.getOrDefault("ELMS_HOME", "");
        if (!chosen.isEmpty()) {
            return Path.of(chosen).toAbsolutePath();
        }
        String name = system.toLowerCase(Locale.ROOT);
        if (name.startsWith("mac")) {
            return home.resolve("Library/Application Support/elms");
        }
        if (name.startsWith("windows")) {
            return Path.of(environment.getOrDefault("LOCALAPPDATA", home.resolve("AppData/Local").toString()), "elms");
        }
        String data = environment.getOrDefault("XDG_DATA_HOME", "");
        return (data.isEmpty() ? home.resolve(".local/share") : Path.of(data)).resolve("elms");
    }
}
