package elms.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DataFolderTest {
    private static final Path HOME = Path.of("/home/someone");

    @Test
    void everySystemHasItsPlace() {
        assertThat(DataFolder.find(Map.of(), "Linux", HOME)).isEqualTo(HOME.resolve(".local/share/elms"));
        assertThat(DataFolder.find(Map.of("XDG_DATA_HOME", "/data"), "Linux", HOME)).isEqualTo(Path.of("/data/elms"));
        assertThat(DataFolder.find(Map.of(), "Mac OS X", HOME)).isEqualTo(HOME.resolve("Library/Application Support/elms"));
        assertThat(DataFolder.find(Map.of(), "Windows 11", HOME)).isEqualTo(HOME.resolve("AppData/Local/elms"));
        assertThat(DataFolder.find(Map.of("ELMS_HOME", "/elsewhere"), "Linux", HOME)).isEqualTo(Path.of("/elsewhere"));
    }
}
