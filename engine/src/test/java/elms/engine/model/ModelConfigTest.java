package elms.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import elms.engine.ElmsException;
import elms.engine.NanoModel;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorType;
import elms.engine.gguf.Value;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ModelConfigTest {
    @TempDir
    Path folder;

    @Test
    void readsTheShape() {
        try (GgufFile file = GgufFile.open(NanoModel.ODD.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            assertThat(config.layers()).isEqualTo(4);
            assertThat(config.heads()).isEqualTo(6);
            assertThat(config.kvHeads()).isEqualTo(2);
            assertThat(config.neurons()).isEqualTo(75);
            assertThat(config.vocabulary()).isEqualTo(101);
            assertThat(config.tiedOutput()).isTrue();
            assertThat(config.decoderWeights()).isEqualTo(4L * 43 * (2 * 6 * 14 + 2 * 2 * 14 + 3 * 75));
        }
    }

    @Test
    void aLevelIsNamedByItsTrueShare() {
        try (GgufFile file = GgufFile.open(NanoModel.ODD.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Level level = Level.full(config);
            assertThat(level.share(config)).isEqualTo(1);
            level.neurons()[2] = 0;
            assertThat(level.share(config)).isCloseTo(1 - 75 * 3 * 43 / (double) config.decoderWeights(), within(1e-12));
        }
    }

    static Stream<Arguments> mistakes() {
        return Stream.of(
                Arguments.of("general.architecture", Value.of("gemma3"), "the family 'gemma3', which is not supported yet"),
                Arguments.of("general.architecture", null, "'general.architecture' is missing"),
                Arguments.of("llama.block_count", null, "'llama.block_count' is missing"),
                Arguments.of("llama.block_count", Value.of("four"), "must be an integer"),
                Arguments.of("llama.block_count", Value.uint32(0), "must be between 1"),
                Arguments.of("llama.block_count", Value.uint32(5), "no tensor 'blk.4.attn_norm.weight'"),
                Arguments.of("llama.block_count", Value.uint32(3), "'blk.3.attn_norm.weight', which no model"),
                Arguments.of("llama.attention.head_count_kv", Value.uint32(4), "no multiple of its 4"),
                Arguments.of("llama.embedding_length", Value.uint32(44), "asks for 101×44"),
                Arguments.of("llama.rope.dimension_count", Value.uint32(13), "rotates 13"),
                Arguments.of("llama.rope.scaling.type", Value.of("yarn"), "'yarn', which is not supported yet"),
                Arguments.of("llama.rope.freq_base", Value.float32(-1), "must be positive"),
                Arguments.of("llama.rope.freq_base", Value.float32(Double.NaN), "not a finite number"),
                Arguments.of("llama.expert_count", Value.uint32(8), "mixture of experts"));
    }

    @ParameterizedTest(name = "{0} → {2}")
    @MethodSource("mistakes")
    void aShapeThatCannotBeRunIsRefusedWithASentence(String key, Value value, String sentence) throws IOException {
        Map<String, Value> metadata = NanoModel.ODD.metadata();
        metadata.remove(key);
        if (value != null) {
            metadata.put(key, value);
        }
        Path path = folder.resolve("model.gguf");
        GgufWriter.write(path, metadata, NanoModel.ODD.tensors());
        try (GgufFile file = GgufFile.open(path)) {
            assertThatThrownBy(() -> ModelConfig.of(file)).isInstanceOf(ElmsException.class).hasMessageContaining(sentence);
        }
    }

    @Test
    void aTensorThatWouldBeIgnoredIsRefused() throws IOException {
        List<GgufWriter.Tensor> tensors = new java.util.ArrayList<>(NanoModel.ODD.tensors());
        tensors.add(new GgufWriter.Tensor("blk.0.attn_q.bias", TensorType.F32, List.of(84L), () -> ByteBuffer.allocate(4 * 84)));
        Path path = folder.resolve("model.gguf");
        GgufWriter.write(path, NanoModel.ODD.metadata(), tensors);
        try (GgufFile file = GgufFile.open(path)) {
            assertThatThrownBy(() -> ModelConfig.of(file)).hasMessageContaining("attn_q.bias");
        }
    }
}
