package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.ElmsException;
import elms.planner.Latency;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** llama.cpp's server as it is started, asked and ended, with a program that only pretends to be it. */
class PeerServerTest {
    @TempDir
    Path folder;

    @Test
    void timesOfAnAnswerAreTakenWhereItsClientIs() throws IOException {
        try (PeerServer.Running server = pretended().start(2, 64)) {
            long before = System.nanoTime();
            Latency three = server.answer("say something", 32);
            double elapsed = (System.nanoTime() - before) / 1e6;
            double first = three.ttftMillis().orElseThrow();
            assertThat(first).isPositive();
            assertThat(first + 2 * three.tpotMillis().orElseThrow()).isBetween(first, elapsed);
            assertThat(server.answer("be short", 32).tpotMillis()).isEmpty();
            assertThatThrownBy(() -> server.answer("break off", 32)).isInstanceOf(ElmsException.class)
                    .hasMessageContaining("has ended its answer in the middle");
        }
    }

    @Test
    void aServerIsToldItsModelItsThreadsAndItsSlots() throws IOException {
        Path said = folder.resolve("said");
        Path program = script("echo \"$@\" > " + said + "; echo no model here >&2; exit 3");
        assertThatThrownBy(() -> new PeerServer(program, Path.of("a.gguf"), 2).start(8, 512)).isInstanceOf(ElmsException.class)
                .hasMessage(program + " failed with exit code 3: no model here");
        assertThat(Files.readString(said).strip()).startsWith("--model a.gguf --host 127.0.0.1 --port ")
                .endsWith("--threads 2 --parallel 8 --ctx-size 4096");
    }

    private PeerServer pretended() throws IOException {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        return new PeerServer(script("exec '" + java + "' -cp '" + System.getProperty("java.class.path") + "' "
                + PretendedServer.class.getName() + " \"$@\""), Path.of("a.gguf"), 2);
    }

    private Path script(String text) throws IOException {
        Path script = Files.writeString(folder.resolve("llama-server"), "#!/bin/sh\n" + text + "\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
        return script;
    }
}
