package elms.server.http;

import elms.engine.ElasticModel;
import elms.engine.model.ModelConfig;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** A model as {@code /api/tags} lists it. */
record OllamaModel(String name, String model, String modifiedAt, long size, String digest, Details details) {
    /** What is known of the file. */
    record Details(String parentModel, String format, String family, List<String> families, String parameterSize,
            String quantizationLevel) {
        static Details of(ModelFacts facts, String parameters) {
            return new Details("", "gguf", facts.family(), List.of(facts.family()), parameters, facts.format());
        }
    }

    /** A model in memory, as {@code /api/ps} lists it. */
    record Running(String name, String model, long size, String digest, Details details, String expiresAt, long sizeVram,
            int contextLength) {
        /** Far enough to mean never. */
        private static final Instant NEVER = Instant.parse("2318-01-01T00:00:00Z");

        static Running of(String name, LoadedModel loaded, Optional<Instant> expiry) {
            ElasticModel model = loaded.service().model();
            return new Running(name, name, loaded.facts().bytes(), loaded.facts().sha256(),
                    Details.of(loaded.facts(), parameters(model.config())), expiry.orElse(NEVER).toString(), 0, model.config()
                    .context());
        }
    }

    /** A model as {@code /api/show} describes it. */
    record Shown(String modelfile, String parameters, String template, Details details, Map<String, Object> modelInfo,
            List<String> capabilities, String modifiedAt) {
        static Shown of(ModelFacts facts, ElasticModel model) {
            ModelConfig config = model.config();
            Map<String, Object> info = new LinkedHashMap<>();
            info.put("general.architecture", facts.family());
            info.put("general.parameter_count", weights(config));
            info.put(facts.family() + ".context_length", config.context());
            info.put(facts.family() + ".embedding_length", config.width());
            info.put(facts.family() + ".block_count", config.layers());
            info.put(facts.family() + ".attention.head_count", config.heads());
            info.put(facts.family() + ".attention.head_count_kv", config.kvHeads());
            info.put("elms.levels", model.levels().stream().map(level -> level.share()).toList());
            return new Shown("", "", "", Details.of(facts, OllamaModel.parameters(config)), info, List.of("completion", "tools"),
                    facts.modified().toString());
        }
    }

    static OllamaModel of(String name, ModelFacts facts) {
        return new OllamaModel(name, name, facts.modified().toString(), facts.bytes(), facts.sha256(), Details.of(facts, ""));
    }

    private static long weights(ModelConfig config) {
        return config.decoderWeights() + config.outputWeights();
    }

    private static String parameters(ModelConfig config) {
        return String.format(Locale.ROOT, "%.2fM", weights(config) / 1e6);
    }
}
