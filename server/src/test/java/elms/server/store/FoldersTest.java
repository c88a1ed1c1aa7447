package elms.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FoldersTest {
    @TempDir
    Path parent;

    @Test
    void aFolderIsDeletedWithAllThatIsInIt() throws Exception {
        Path folder = parent.resolve("folder");
        Files.createDirectories(folder.resolve("inner"));
        Files.writeString(folder.resolve("inner/file"), "text");
        Folders.delete(folder);
        assertThat(folder).doesNotExist();
        assertThat(parent).exists();
    }

    @Test
    void aFolderThatIsNotThereIsLeftAsItIs() throws Exception {
        Folders.delete(parent.resolve("missing"));
        assertThat(parent).isEmptyDirectory();
    }
}
