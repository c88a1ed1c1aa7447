package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;

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

    @Test
    @EnabledOnOs(OS.LINUX)
    void whatNobodyHoldsIsGivenBack() {
        byte[][] held = new byte[200][1 << 20];
        for (byte[] page : held) {
            Arrays.fill(page, (byte) 1);
        }
        double before = ProcessMemory.anonymousMb().orElseThrow();
        assertThat(before).isGreaterThan(200);
        held = null;
        ProcessMemory.giveBack();
        assertThat(ProcessMemory.anonymousMb().orElseThrow()).isLessThan(before - 50);
    }
}
