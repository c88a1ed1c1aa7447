package elms.server.http;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** Tests of one server that listens on this machine only and needs no key. */
abstract class LocalServerTest {
    @TempDir
    static Path folder;

    static NanoServer server;

    @BeforeAll
    static void start() {
        server = NanoServer.start(folder, ServerSettings.local());
    }

    @AfterAll
    static void stop() {
        server.close();
    }
}
