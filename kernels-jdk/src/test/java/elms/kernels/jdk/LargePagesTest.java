package elms.kernels.jdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LargePagesTest {
    @TempDir
    Path folder;

    @Test
    void linuxIsToldOfAMapping() throws IOException {
        assumeTrue(Files.exists(Path.of("/sys/kernel/mm/transparent_hugepage")));
        Path file = Files.write(folder.resolve("weights"), new byte[4 << 20]);
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
            assertThat(flags(file)).doesNotContain(" hg");
            LargePages.ask(mapped);
            assertThat(flags(file)).contains(" hg");
            assertThat(mapped.get(3 << 20)).isZero();
        }
    }

    /** What Linux notes about the mapping of a file. */
    private static String flags(Path file) throws IOException {
        List<String> lines = Files.readAllLines(Path.of("/proc/self/smaps"));
        return lines.stream().skip(index(lines, file)).filter(line -> line.startsWith("VmFlags")).findFirst().orElseThrow();
    }

    private static int index(List<String> lines, Path file) throws IOException {
        String path = file.toRealPath().toString();
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).endsWith(path)) {
                return i;
            }
        }
        throw new AssertionError(path + " is not mapped");
    }
}
