package elms.kernels.jdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryTest {
    private static final byte[] LIBRARY = {1, 2, 3};

    @TempDir
    Path cache;

    @AfterEach
    void restore() {
        System.clearProperty(NativeLibrary.PROPERTY);
    }

    @Test
    void aLibraryIsUnpackedOnceForItsOwnerOnly() throws Exception {
        Path file = NativeLibrary.unpack(LIBRARY, cache);
        assertThat(file).hasBinaryContent(LIBRARY);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent()))).isEqualTo("rwx------");
        var before = Files.getLastModifiedTime(file);
        assertThat(NativeLibrary.unpack(LIBRARY, cache)).isEqualTo(file);
        assertThat(Files.getLastModifiedTime(file)).isEqualTo(before);
        assertThat(NativeLibrary.unpack(new byte[] {4}, cache)).isNotEqualTo(file);
    }

    @Test
    void aFileThatWasChangedIsReplaced() throws Exception {
        Path file = NativeLibrary.unpack(LIBRARY, cache);
        Files.write(file, new byte[] {9, 9, 9});
        assertThat(NativeLibrary.unpack(LIBRARY, cache)).hasBinaryContent(LIBRARY);
    }

    @Test
    void aFolderThatOthersMayUseIsRefused() throws Exception {
        Path folder = NativeLibrary.unpack(LIBRARY, cache).getParent();
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThatIOException().isThrownBy(() -> NativeLibrary.unpack(LIBRARY, cache)).withMessageContaining("remove it");
    }

    @Test
    void aBrokenLibraryIsRefusedWithAReason() {
        assertThatThrownBy(() -> NativeLibrary.load(LIBRARY, cache, "")).isInstanceOf(ProviderUnavailableException.class)
                .hasMessageStartingWith("the native kernels cannot run here, since their library could not be loaded: ");
    }

    @Test
    void thePropertySwitchesItOffOrPicksATier() {
        System.setProperty(NativeLibrary.PROPERTY, "off");
        assertThatThrownBy(NativeLibrary::load).isInstanceOf(ProviderUnavailableException.class)
                .hasMessage("the native kernels cannot run here, since they are switched off by -Delms.native=off");
        System.setProperty(NativeLibrary.PROPERTY, "mmx");
        assertThatThrownBy(NativeLibrary::load).isInstanceOf(ProviderUnavailableException.class);
    }
}
