package elms.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogitsTest {
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 20, 128, 129, 1000, 2000})
    void theBestTokensComeFirstAndEqualOnesByNumber(int count) {
        Random random = new Random(count);
        float[] logits = new float[1000];
        for (int token = 0; token < logits.length; token++) {
            logits[token] = token % 7 == 0 ? Float.NEGATIVE_INFINITY : random.nextInt(-50, 50) / 4f;
        }
        assertThat(Logits.best(logits, count)).containsExactly(IntStream.range(0, logits.length).boxed()
                .sorted(Comparator.<Integer>comparingDouble(token -> -logits[token]).thenComparing(token -> token))
                .limit(count).mapToInt(token -> token).toArray());
    }
}
