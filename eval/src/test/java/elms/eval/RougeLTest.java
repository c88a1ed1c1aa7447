package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RougeLTest {
    /** The first two are the examples of Lin, 2004. */
    @ParameterizedTest
    @CsvSource({"police killed the gunman, police kill the gunman, 0.75", "police killed the gunman, the gunman kill police, 0.5",
        "police killed the gunman, the gunman police killed, 0.5", "'a b c d', 'a c', 0.6667", "'', '...', 1", "'one', '', 0",
        "'It is so.', 'it IS, so', 1"})
    void sharedWordsCountInTheirOrder(String reference, String text, double expected) {
        assertThat(RougeL.of(reference, text)).isCloseTo(expected, within(1e-4));
        assertThat(RougeL.of(text, reference)).isEqualTo(RougeL.of(reference, text));
    }
}
