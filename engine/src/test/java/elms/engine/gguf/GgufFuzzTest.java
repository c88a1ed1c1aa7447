package elms.engine.gguf;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;

/**
 * Whatever the bytes, the reader answers with a header or a {@link GgufException}: no other exception, no large allocation.
 * A test run replays the corpus and then searches for some seconds; {@code JAZZER_FUZZ=1 mvn test -pl engine -am
 * -Dtest=GgufFuzzTest} searches alone.
 */
class GgufFuzzTest {
    @FuzzTest(maxDuration = "20s")
    void headersAreReadOrRefused(byte[] bytes) throws IOException {
        try {
            GgufReader.read(GgufSource.of(bytes));
        } catch (GgufException e) {
            // The expected answer to nearly all inputs.
        }
    }
}
