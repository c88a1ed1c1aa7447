package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class PairedDifferenceTest {
    @Test
    void aConstantDifferenceHasNoError() {
        assertThat(PairedDifference.of(List.of(new double[] {2, 5, 9}), List.of(new double[] {1, 4, 8})))
                .isEqualTo(new PairedDifference(1, 0));
    }

    @Test
    void strataCountAlikeWhateverTheirSize() {
        PairedDifference difference = PairedDifference.of(List.of(new double[] {1, 0}, new double[] {1, 1, 1, 1}),
                List.of(new double[] {0, 1}, new double[] {0, 0, 0, 0}));
        assertThat(difference.mean()).isEqualTo(0.5);
        assertThat(difference.stderr()).isCloseTo(Math.sqrt(2 / 2.0) / 2, within(1e-12));
    }
}
