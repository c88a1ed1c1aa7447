package elms.server.http;

import elms.engine.ElmsException;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.TensorInfo;
import elms.engine.gguf.TensorType;
import elms.server.BaseModel;
import elms.server.store.StoredModel;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What the server tells of the model besides its levels.
 *
 * @param family architecture of the GGUF file, such as {@code llama}
 * @param format of most bytes, such as {@code Q4_1}
 * @param bytes of the file
 * @param modified when the file was fetched
 * @param beginToken spelling of the token that a text may begin with
 * @param endToken spelling of the token that ends an answer
 */
public record ModelFacts(String family, String format, long bytes, String sha256, Instant modified, Optional<String> beginToken,
        Optional<String> endToken) {
    /** Reads the facts of a model file. */
    public static ModelFacts of(StoredModel stored) {
        try (GgufFile file = GgufFile.open(stored.file())) {
            Map<TensorType, Long> bytes = file.tensors().values().stream()
                    .collect(Collectors.groupingBy(TensorInfo::type, Collectors.summingLong(TensorInfo::bytes)));
            TensorType most = bytes.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
            return new ModelFacts(file.metadata().string("general.architecture").orElse("unknown"), most.name(),
                    Files.size(stored.file()), stored.sha256(), Files.getLastModifiedTime(stored.file()).toInstant(),
                    BaseModel.spelling(file.metadata(), "bos"), BaseModel.spelling(file.metadata(), "eos"));
        } catch (IOException e) {
            throw new ElmsException(stored.file() + " cannot be read: " + e.getMessage(), e);
        }
    }
}
