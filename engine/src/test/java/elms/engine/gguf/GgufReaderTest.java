package elms.engine.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.NanoModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GgufReaderTest {
    @TempDir
    Path folder;

    @Test
    void whatWasWrittenIsRead() {
        NanoModel model = NanoModel.FOUR_BITS;
        try (GgufFile file = GgufFile.open(model.write(folder))) {
            assertThat(file.metadata().string("general.architecture")).contains("llama");
            assertThat(file.metadata().integer("llama.block_count", 0, 10)).contains(4);
            assertThat(file.tensors()).hasSize(2 + 9 * 4);
            TensorInfo down = file.tensor("blk.3.ffn_down.weight");
            assertThat(down.type()).isEqualTo(TensorType.Q4_1);
            assertThat(List.of(down.columns(), down.rows())).containsExactly(160L, 96L);
            assertThat(down.offset() % 64).isZero();
            assertThat(file.map(down).capacity()).isEqualTo(96 * 160 / 32 * 20);
        }
    }

    @Test
    void everyTruncationIsRefusedWithASentence() throws IOException {
        byte[] whole = Files.readAllBytes(new NanoModel(1, 32, 2, 1, 16, 32, 20, true, TensorType.F32, 1).write(folder));
        for (int length = 0; length < whole.length - 64; length += 1 + length / 500) {
            byte[] part = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> GgufReader.read(GgufSource.of(part))).isInstanceOf(GgufException.class);
        }
    }

    static Stream<Arguments> malformed() {
        return Stream.of(
                Arguments.of("nothing", new Bytes(), "begin with the letters GGUF"),
                Arguments.of("wrong magic", new Bytes().text("GGML").u32(3).u64(0).u64(0), "begin with the letters GGUF"),
                Arguments.of("version 1", new Bytes().text("GGUF").u32(1).u64(0).u64(0), "version is 1"),
                Arguments.of("version 4", new Bytes().text("GGUF").u32(4).u64(0).u64(0), "version is 4"),
                Arguments.of("big-endian", new Bytes().text("GGUF").u32(3 << 24).u64(0).u64(0), "big-endian"),
                Arguments.of("no counts", new Bytes().text("GGUF").u32(3), "truncated"),
                Arguments.of("tensor count of 2^63-1", new Bytes().text("GGUF").u32(3).u64(Long.MAX_VALUE).u64(0), "announces"),
                Arguments.of("tensor count of 2^64-1", new Bytes().text("GGUF").u32(3).u64(-1).u64(0), "announces 18446744073709551615"),
                Arguments.of("value count of 2^63-1", header(0, Long.MAX_VALUE), "announces"),
                Arguments.of("key length of 2^63-1", header(0, 1).u64(Long.MAX_VALUE).pad(64), "bytes long"),
                Arguments.of("empty key", header(0, 1).string("").u32(4).u32(1).pad(64), "key is empty"),
                Arguments.of("key that is no UTF-8", header(0, 1).u64(1).u8(0xff).u32(4).u32(1).pad(64), "UTF-8"),
                Arguments.of("unknown value type", header(0, 1).string("k").u32(13).pad(64), "unknown type 13"),
                Arguments.of("string of 2^63-1", header(0, 1).string("k").u32(8).u64(Long.MAX_VALUE).pad(64), "bytes long"),
                Arguments.of("string of 2^40", header(0, 1).string("k").u32(8).u64(1L << 40).pad(64), "bytes long"),
                Arguments.of("bool of 2", header(0, 1).string("k").u32(7).u8(2).pad(64), "bool of 2"),
                Arguments.of("array of 2^61 longs", header(0, 1).string("k").u32(9).u32(10).u64(1L << 61).pad(64), "announces"),
                Arguments.of("array of 2^62 strings", header(0, 1).string("k").u32(9).u32(8).u64(1L << 62).pad(64), "announces"),
                Arguments.of("array of arrays", header(0, 1).string("k").u32(9).u32(9).u64(1).pad(64), "array of arrays"),
                Arguments.of("number of 2^64-1", header(0, 1).string("k").u32(10).u64(-1).pad(64), "absurdly large"),
                Arguments.of("duplicate key",
                        header(0, 2).string("k").u32(4).u32(1).string("k").u32(4).u32(2).pad(64), "'k' occurs twice"),
                Arguments.of("alignment 0", header(0, 1).string("general.alignment").u32(4).u32(0).pad(64), "general.alignment' is 0"),
                Arguments.of("alignment 7", header(0, 1).string("general.alignment").u32(4).u32(7).pad(64), "alignment is 7"),
                Arguments.of("alignment 24", header(0, 1).string("general.alignment").u32(4).u32(24).pad(64), "alignment is 24"),
                Arguments.of("alignment as a string",
                        header(0, 1).string("general.alignment").u32(8).string("32").pad(64), "must be an integer"),
                Arguments.of("no dimensions", tensor("t", 0).pad(64), "0 dimensions"),
                Arguments.of("five dimensions", header(1, 0).string("t").u32(5).pad(99), "5 dimensions"),
                Arguments.of("dimension of 0", tensor("t", 1, 0).u32(0).u64(0).pad(64), "absurd dimension 0"),
                Arguments.of("dimension of 2^64-1", tensor("t", 1, -1).u32(0).u64(0).pad(64), "absurd dimension"),
                Arguments.of("product over 2^63", tensor("t", 2, 1L << 32, 1L << 32).u32(0).u64(0).pad(64), "absurd dimension"),
                Arguments.of("unknown tensor type", tensor("t", 1, 8).u32(99).u64(0).pad(64), "unknown type 99"),
                Arguments.of("removed tensor type", tensor("t", 1, 8).u32(4).u64(0).pad(64), "unknown type 4"),
                Arguments.of("half a block", tensor("t", 1, 40).u32(2).u64(0).pad(64), "no multiple of 32"),
                Arguments.of("crooked offset", tensor("t", 1, 8).u32(0).u64(4).pad(64), "no multiple of the alignment"),
                Arguments.of("offset past the end", tensor("t", 1, 8).u32(0).u64(1 << 20).pad(64), "beyond the end"),
                Arguments.of("offset of 2^63", tensor("t", 1, 8).u32(0).u64(Long.MIN_VALUE).pad(64), "no multiple of the alignment"),
                Arguments.of("size past the end", tensor("t", 1, 1 << 20).u32(0).u64(0).pad(64), "beyond the end"),
                Arguments.of("overlap", header(2, 0).string("a").u32(1).u64(16).u32(0).u64(0).string("b").u32(1).u64(8).u32(0).u64(32)
                        .pad(256), "overlap"),
                Arguments.of("duplicate tensor", header(2, 0).string("a").u32(1).u64(8).u32(0).u64(0).string("a").u32(1).u64(8).u32(0)
                        .u64(32).pad(256), "'a' occurs twice"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformed")
    void malformedFilesAreRefusedWithASentence(String name, Bytes bytes, String sentence) throws IOException {
        Path path = Files.write(folder.resolve("bad.gguf"), bytes.array());
        assertThatThrownBy(() -> GgufFile.open(path)).isInstanceOf(GgufException.class)
                .hasMessageStartingWith(path + " is not a usable GGUF file: ").hasMessageContaining(sentence)
                .message().doesNotContain("\n");
    }

    @Test
    void aMissingFileAndAFolderAreRefused() {
        assertThatThrownBy(() -> GgufFile.open(folder.resolve("none.gguf"))).hasMessageContaining("there is no file");
        assertThatThrownBy(() -> GgufFile.open(folder)).hasMessageContaining("is a folder");
    }

    private static Bytes header(long tensors, long values) {
        return new Bytes().text("GGUF").u32(3).u64(tensors).u64(values);
    }

    private static Bytes tensor(String name, int dimensions, long... shape) {
        Bytes bytes = header(1, 0).string(name).u32(dimensions);
        for (long dimension : shape) {
            bytes.u64(dimension);
        }
        return bytes;
    }

    /** A file under construction. */
    static final class Bytes {
        private final ByteBuffer buffer = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

        Bytes text(String text) {
            buffer.put(text.getBytes(StandardCharsets.UTF_8));
            return this;
        }

        Bytes string(String text) {
            return u64(text.length()).text(text);
        }

        Bytes u8(int value) {
            buffer.put((byte) value);
            return this;
        }

        Bytes u32(int value) {
            buffer.putInt(value);
            return this;
        }

        Bytes u64(long value) {
            buffer.putLong(value);
            return this;
        }

        Bytes pad(int bytes) {
            buffer.put(new byte[bytes]);
            return this;
        }

        byte[] array() {
            return Arrays.copyOf(buffer.array(), buffer.position());
        }
    }
}
