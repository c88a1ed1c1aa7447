package elms.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class CompilerThreadsTest {
    /** Of the fields of proc_pid_stat(5) behind the name. */
    private static final int NICE = 16;

    @Test
    @EnabledOnOs(OS.LINUX)
    void theSecondCompilerIsFoundAndGivesWay() throws IOException {
        CompilerThreads.giveWay();
        assertThat(CompilerThreads.found()).isNotEmpty();
        for (int thread : CompilerThreads.found()) {
            String stat = Files.readString(Path.of("/proc/self/task/" + thread + "/stat"));
            assertThat(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[NICE]).isEqualTo("10");
        }
    }
}
