package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class ProcessMemoryTest {
    private static final List<String> STATUS = List.of("Name:\tjava", "VmPeak:\t 9000000 kB", "VmRSS:\t 1140736 kB",
            "RssAnon:\t  990208 kB", "RssFile:\t  150528 kB", "RssShmem:\t       0 kB", "Threads:\t40");

    @Test
    void figuresAreFoundByTheirNameAndToldInMegabytes() {
        assertThat(ProcessMemory.megabytes(STATUS, "VmRSS")).hasValue(1114);
        assertThat(ProcessMemory.megabytes(STATUS, "RssAnon")).hasValue(967);
        assertThat(ProcessMemory.megabytes(STATUS, "RssFile")).hasValue(147);
    }

    @Test
    void whatTheSystemDoesNotTellIsAbsent() {
        assertThat(ProcessMemory.megabytes(STATUS, "VmHWM")).isEmpty();
        assertThat(ProcessMemory.megabytes(List.of(), "VmRSS")).isEmpty();
    }

    /** In a process of its own, with the launcher's flags: how far a heap shrinks depends on both. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void whatNobodyHoldsIsGivenBack() throws IOException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC", "-Xms24m",
                "-XX:MinHeapFreeRatio=10", "-XX:MaxHeapFreeRatio=20", "-XX:-ShrinkHeapInSteps", "--enable-native-access=ALL-UNNAMED", "-cp",
                System.getProperty("java.class.path"), Holder.class.getName()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        double[] megabytes = process.inputReader().lines().mapToDouble(Double::parseDouble).toArray();
        assertThat(megabytes).hasSize(2);
        assertThat(megabytes[0]).isGreaterThan(200);
        assertThat(megabytes[1]).isLessThan(megabytes[0] - 150);
    }

    /** Prints its anonymous memory with 200 MB that are held, and after they were not. */
    static final class Holder {
        public static void main(String[] arguments) {
            hold();
            ProcessMemory.giveBack();
            System.out.println(ProcessMemory.anonymousMb().orElseThrow());
        }

        private static void hold() {
            byte[][] held = new byte[200][1 << 20];
            for (byte[] page : held) {
                Arrays.fill(page, (byte) 1);
            }
            System.out.println(ProcessMemory.anonymousMb().orElseThrow());
        }
    }
}
