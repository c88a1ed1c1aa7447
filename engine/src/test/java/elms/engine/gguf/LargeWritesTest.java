package elms.engine.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LargeWritesTest {
    @TempDir
    Path folder;

    @Test
    void allIsWrittenInOrderAndAligned() throws IOException {
        Path path = folder.resolve("file");
        Random random = new Random(7);
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        try (LargeWrites file = new LargeWrites(path)) {
            for (int length : new int[] {1, 63, 0, 64, 3 << 20, 5_000_001, 2 << 20, 17}) {
                byte[] bytes = new byte[length];
                random.nextBytes(bytes);
                file.write(ByteBuffer.wrap(bytes));
                expected.writeBytes(bytes);
                file.pad(64);
                expected.writeBytes(new byte[(64 - expected.size() % 64) % 64]);
            }
            file.flush();
        }
        assertThat(Files.readAllBytes(path)).isEqualTo(expected.toByteArray());
    }
}
