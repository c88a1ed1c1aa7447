package elms.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ScreenedHeadTest {
    @Test
    void theNumberOfARankIsThatOfTheSortedNumbers() {
        Random random = new Random(1);
        for (int length = 1; length < 200; length++) {
            float[] numbers = new float[length];
            for (int i = 0; i < length; i++) {
                numbers[i] = random.nextInt(length);
            }
            float[] sorted = numbers.clone();
            Arrays.sort(sorted);
            for (int rank = 1; rank <= length; rank += 1 + length / 20) {
                assertThat(ScreenedHead.largest(numbers.clone(), rank)).isEqualTo(sorted[length - rank]);
            }
        }
    }
}
