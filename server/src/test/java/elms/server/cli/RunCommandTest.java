package elms.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.NanoModel;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.Value;
import elms.server.cli.ElmsProcess.Result;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code elms run} as a user meets it: a small random model that is calibrated on first use, and every wrong input. */
class RunCommandTest {
    @TempDir
    static Path folder;

    private static ElmsProcess elms;
    private static String model;

    @BeforeAll
    static void prepare() throws Exception {
        elms = new ElmsProcess(folder.resolve("home"));
        model = NanoModel.CHAT.write(folder).toString();
        Result first = elms.run("run", model, "hello", "--max-tokens", "4");
        assertThat(first.exitCode()).as(first.err()).isZero();
        assertThat(first.said()).anyMatch(line -> line.startsWith("Measuring what each layer is worth"))
                .anyMatch(line -> line.startsWith("Packing weights")).anyMatch(line -> line.startsWith("Measuring this machine"));
        byte[] whole = Files.readAllBytes(Path.of(model));
        Files.write(folder.resolve("truncated.gguf"), Arrays.copyOf(whole, whole.length / 2));
        Files.createDirectory(folder.resolve("folder.gguf"));
        Files.write(folder.resolve("text.gguf"), "no model at all".getBytes(StandardCharsets.UTF_8));
        Map<String, Value> metadata = NanoModel.CHAT.metadata();
        metadata.put("general.architecture", Value.of("gemma3"));
        GgufWriter.write(folder.resolve("gemma.gguf"), metadata, NanoModel.CHAT.tensors());
        metadata = NanoModel.CHAT.metadata();
        metadata.put("tokenizer.chat_template", Value.of("{{ raise_exception('only one turn') }}"));
        GgufWriter.write(folder.resolve("refusing.gguf"), metadata, NanoModel.CHAT.tensors());
    }

    @Test
    void aSecondStartPreparesNothingAndStreamsToStandardOutput() throws Exception {
        Result result = elms.run("run", model, "hello", "there", "--max-tokens", "5", "--ttft", "0.9", "--tpot", "500ms");
        assertThat(result.exitCode()).isZero();
        assertThat(result.said()).singleElement().asString().startsWith("level ").contains("prompt tokens", "TTFT", "TPOT", "SLO");
        assertThat(result.out()).endsWith("\n");
    }

    @Test
    void withoutNativeKernelsItRunsOnJavaKernelsAndSaysWhy() throws Exception {
        ElmsProcess withoutNative = new ElmsProcess(folder.resolve("home"), "-Delms.native=off");
        Result result = withoutNative.run("run", model, "hello", "--max-tokens", "2");
        assertThat(result.exitCode()).isZero();
        assertThat(result.err()).containsOnlyOnce("elms: the native kernels cannot run here, since they are switched off")
                .contains("elms: kernels: Vector API");
        result = withoutNative.run("run", model, "hello", "--provider", "native");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
    }

    @Test
    void jsonIsOneDocumentOfTheAgreedForm() throws Exception {
        Result result = elms.run("run", model, "hello", "--max-tokens", "6", "--ttft", "0.9", "--tpot", "0.9", "--json");
        assertThat(result.exitCode()).isZero();
        JsonNode json = new ObjectMapper().readTree(result.out());
        assertThat(json.at("/model").asText()).endsWith(".gguf");
        assertThat(json.at("/text").isTextual()).isTrue();
        assertThat(json.at("/finish_reason").asText()).isIn("stop", "length");
        assertThat(json.at("/usage/prompt_tokens").asInt()).isEqualTo(json.at("/elms/prompt_tokens_before").asInt()).isPositive();
        assertThat(json.at("/usage/completion_tokens").asInt()).isBetween(1, 6);
        assertThat(json.at("/elms/spans/0/tokens").asInt()).isEqualTo(json.at("/elms/prompt_tokens_after").asInt());
        for (String number : List.of("spans/0/level", "prefill_level", "decode_level", "slo/ttft_ms", "slo/tpot_ms", "predicted/ttft_ms",
                "predicted/tpot_ms", "measured/ttft_ms")) {
            assertThat(json.at("/elms/" + number).isNumber()).as(number).isTrue();
        }
        assertThat(json.at("/elms/slo_met").isBoolean()).isTrue();
    }

    @Test
    void standardInputIsThePromptOfAProgram() throws Exception {
        byte[] prompt = "héllo".getBytes(StandardCharsets.UTF_8);
        Result piped = elms.run(prompt, "run", model, "--max-tokens", "5", "--json");
        Result typed = elms.run("run", model, "héllo", "--max-tokens", "5", "--json");
        assertThat(text(piped)).isEqualTo(text(typed));
    }

    @Test
    void aPinnedLevelIsUsed() throws Exception {
        Result result = elms.run("run", model, "hello", "--level", "0.5", "--max-tokens", "3", "--json");
        assertThat(new ObjectMapper().readTree(result.out()).at("/elms/decode_level").asDouble()).isBetween(0.4, 0.6);
    }

    @Test
    void otherCommandsWorkOnTheSameModel() throws Exception {
        assertThat(elms.run("show", model).out()).contains("6").contains("level").contains("1.000");
        assertThat(elms.run("profile", model).out()).contains("TTFT");
        Path exported = folder.resolve("exported.gguf");
        assertThat(elms.run("export", model, "--level", "0.5", "-o", exported.toString()).out()).contains("exported.gguf, level 0.");
        assertThat(exported).exists();
        assertThat(elms.run("doctor").out()).contains("kernels").contains("vector");
        assertThat(elms.run("ls").out()).contains("smollm2");
        assertThat(elms.run("rm", "smollm2").exitCode()).isEqualTo(1);
        JsonNode bench = new ObjectMapper().readTree(elms.run("bench", model, "--json").out());
        assertThat(bench.at("/levels/0/level").asDouble()).isEqualTo(1);
        assertThat(bench.at("/levels/0/prefill_tok_s").asDouble()).isPositive();
        assertThat(bench.at("/levels/0/decode_tok_s").asDouble()).isPositive();
        assertThat(bench.at("/switch_us").isNumber()).isTrue();
        assertThat(bench.at("/threads").asInt()).isPositive();
    }

    static Stream<Arguments> wrongUsage() {
        return Stream.of(
                refused(2, "no command is given"),
                refused(2, "there is no command 'fly'; see elms --help", "fly"),
                refused(2, "there is no command 'srve', but 'serve'", "srve"),
                refused(2, "'a' is not a double; see elms eval service --help", "eval", "service", "x", "--loads", "a"),
                refused(2, "Missing required parameter: 'MODEL'", "run"),
                refused(2, "Unknown option: '--fast'", "run", model, "hi", "--fast"),
                refused(2, "'quick' is no latency", "run", model, "hi", "--ttft", "quick"),
                refused(2, "'-1' is no latency", "run", model, "hi", "--ttft", "-1"),
                refused(2, "above zero", "run", model, "hi", "--ttft", "0"),
                refused(2, "'NaN' is no latency", "run", model, "hi", "--tpot", "NaN"),
                refused(2, "above zero and finite", "run", model, "hi", "--tpot", "1e999"),
                refused(2, "the level is 2.0", "run", model, "hi", "--level", "2"),
                refused(2, "the level is 0.0", "run", model, "hi", "--level", "0"),
                refused(2, "'half' is not a double", "run", model, "hi", "--level", "half"),
                refused(2, "the longest answer is 0 tokens", "run", model, "hi", "--max-tokens", "0"),
                refused(2, "'many' is not an int", "run", model, "hi", "--max-tokens", "many"),
                refused(2, "'99999999999' is not an int", "run", model, "hi", "--max-tokens", "99999999999"),
                refused(2, "the temperature is -1.0", "run", model, "hi", "--temperature", "-1"),
                refused(2, "the temperature is NaN", "run", model, "hi", "--temperature", "NaN"),
                refused(2, "the top-k is -5", "run", model, "hi", "--top-k", "-5"),
                refused(2, "the top-p is 2.0", "run", model, "hi", "--top-p", "2"),
                refused(2, "the min-p is -0.1", "run", model, "hi", "--min-p", "-0.1"),
                refused(2, "the repeat penalty is 0.0", "run", model, "hi", "--repeat-penalty", "0"),
                refused(2, "'x' is not a long", "run", model, "hi", "--seed", "x"),
                refused(2, "a stop string is empty", "run", model, "hi", "--stop", ""),
                refused(2, "--threads is 0", "run", model, "hi", "--threads", "0"),
                refused(2, "expected one of [NATIVE, VECTOR, SCALAR]", "run", model, "hi", "--provider", "gpu"),
                refused(2, "the prompt is empty", "run", model, ""),
                refused(2, "the prompt is empty", "run", model),
                refused(2, "--rounds is 0", "bench", model, "--rounds", "0"),
                refused(2, "PREFILL is 0", "bench-file", model, "1", "0", "1", "1"),
                refused(2, "--level is 1.5", "export", model, "--level", "1.5", "-o", "x.gguf"),
                refused(2, "Missing required option: '--output=FILE.gguf'", "export", model),
                refused(1, "there is no model 'gpt5'; try smollm2", "run", "gpt5", "hi"),
                refused(1, "is no name of a model", "run", "../../etc/passwd", "hi"),
                refused(1, "there is no file", "run", "missing.gguf", "hi"),
                refused(1, "could not be fetched from the Hugging Face Hub (a/b)", "run", "a/b/c.gguf", "hi"),
                refused(1, "is a folder", "run", inFolder("folder.gguf"), "hi"),
                refused(1, "reaches beyond the end of the file; is it truncated?", "run", inFolder("truncated.gguf"), "hi"),
                refused(1, "does not begin with the letters GGUF", "run", inFolder("text.gguf"), "hi"),
                refused(1, "the family 'gemma3', which is not supported yet", "run", inFolder("gemma.gguf"), "hi"),
                refused(1, "refuses this chat: only one turn", "run", inFolder("refusing.gguf"), "hi"),
                refused(1, "but the context of", "run", model, "x".repeat(5000)),
                refused(1, "no plan keeps this SLO", "run", model, "hi", "--ttft", "0.000001ms", "--strict"),
                refused(1, "there is no model 'smollm2' in the store", "rm", "smollm2"));
    }

    private static Arguments refused(int exitCode, String sentence, String... arguments) {
        return Arguments.of(exitCode, sentence, List.of(arguments));
    }

    private static String inFolder(String name) {
        return folder.resolve(name).toString();
    }

    @ParameterizedTest(name = "{1} ← {2}")
    @MethodSource("wrongUsage")
    void wrongInputGetsOneSentenceAndItsExitCode(int exitCode, String sentence, List<String> arguments) throws Exception {
        Result result = elms.run(arguments.toArray(String[]::new));
        assertThat(result.exitCode()).as(result.err()).isEqualTo(exitCode);
        assertThat(result.out()).isEmpty();
        assertThat(result.said()).singleElement().asString().startsWith("elms: ").contains(sentence);
    }

    @Test
    void standardInputThatIsNoTextIsRefused() throws Exception {
        Result result = elms.run(new byte[] {'h', (byte) 0xff}, "run", model);
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.said()).singleElement().asString().contains("standard input is not UTF-8 text");
    }

    private static String text(Result result) throws Exception {
        return new ObjectMapper().readTree(result.out()).at("/text").asText();
    }
}
