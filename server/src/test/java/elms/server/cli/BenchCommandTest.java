package elms.server.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.NanoModel;
import elms.server.cli.ElmsProcess.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code elms bench --against} and {@code elms growth} beside programs that only pretend to measure. */
class BenchCommandTest {
    private static final String BENCH = """
            [ $# = 5 ] && [ -f "$1" ] || exit 2
            case $1,$3 in *q4_0.gguf,1) decode=40 ;; *,1) decode=30 ;; *) decode=20 ;; esac
            case $1 in *q8_0.gguf) prefill=200 ;; *) prefill=100 ;; esac
            echo "{\\"engine\\":\\"fake\\",\\"prefill_tok_s\\":{\\"min\\":1,\\"median\\":$prefill,\\"max\\":900},"
            echo "\\"decode_tok_s\\":{\\"min\\":1,\\"median\\":$decode,\\"max\\":900},\\"peak_rss_mb\\":12.5}"
            """;

    @TempDir
    static Path folder;

    private static ElmsProcess elms;
    private static String model;

    @BeforeAll
    static void prepare() {
        elms = new ElmsProcess(folder.resolve("home"));
        model = NanoModel.CHAT.write(folder).toString();
    }

    @Test
    void measuresBothEnginesAtEveryFormat() throws Exception {
        Path peer = peer("peer", BENCH, "cp \"$1\" \"$2\"; echo \"$2\" >> \"$0.log\"");
        Result result = elms.run("bench", model, "--against", peer.toString(), "--rounds", "1", "--json");
        assertThat(result.exitCode()).as(result.err()).isZero();
        JsonNode json = new ObjectMapper().readTree(result.out());
        for (String kept : List.of("model", "provider", "threads", "switch_us", "peak_rss_mb", "levels")) {
            assertThat(json.has(kept)).as(kept).isTrue();
        }
        for (String streams : List.of("one", "two", "four", "eight", "eight_in_turn")) {
            assertThat(json.at("/batches/0/" + streams).asDouble()).as(streams).isPositive();
        }
        JsonNode full = json.at("/levels/0");
        assertThat(full.at("/decode_empty_tok_s").asDouble()).isPositive();
        assertThat(json.at("/peer/prefill_tok_s").asDouble()).isEqualTo(200);
        assertThat(json.at("/peer/decode_tok_s").asDouble()).isEqualTo(20);
        assertThat(json.at("/peer/decode_empty_tok_s").asDouble()).isEqualTo(40);
        assertThat(json.at("/ratio/prefill").asDouble()).isEqualTo(full.at("/prefill_tok_s").asDouble() / 200, within(1e-9));
        assertThat(json.at("/ratio/decode").asDouble()).isEqualTo(full.at("/decode_tok_s").asDouble() / 20, within(1e-9));
        assertThat(json.at("/ratio/decode_empty").asDouble()).isEqualTo(full.at("/decode_empty_tok_s").asDouble() / 40, within(1e-9));
        assertThat(json.at("/formats")).extracting(format -> format.at("/format").asText()).containsExactly("Q4_0", "Q4_1", "Q8_0");
        for (JsonNode format : json.at("/formats")) {
            for (String figure : List.of("prefill_tok_s", "decode_tok_s", "decode_empty_tok_s", "peak_rss_mb")) {
                assertThat(format.at("/elms/" + figure).asDouble()).as(figure).isPositive();
                assertThat(format.at("/peer/" + figure).asDouble()).as(figure).isPositive();
            }
        }
        List<String> made = Files.readAllLines(peer.resolve("quantize.log"));
        assertThat(made).hasSize(3).allSatisfy(file -> assertThat(Path.of(file)).doesNotExist());
        assertThat(Path.of(made.getFirst()).getParent()).doesNotExist();
    }

    @Test
    void growthIsMeasuredUpToTheModelsContextAndDrawn() throws Exception {
        Path peer = peer("growing", BENCH, "cp \"$1\" \"$2\"");
        Path plot = folder.resolve("growth.png");
        Result result = elms.run("growth", model, "--against", peer.toString(), "-o", plot.toString(), "--json");
        assertThat(result.exitCode()).as(result.err()).isZero();
        JsonNode points = new ObjectMapper().readTree(result.out()).at("/points");
        assertThat(points).extracting(point -> point.at("/tokens").asInt()).containsExactly(64, 128, 256, 512, 1024, 2048);
        for (JsonNode point : points) {
            assertThat(point.at("/peer/prefill_ms").asDouble()).isEqualTo(10 * point.at("/tokens").asDouble());
            assertThat(point.at("/peer/decode_ms").asDouble()).isEqualTo(50);
            assertThat(point.at("/ratio/prefill").asDouble() * point.at("/elms/prefill_ms").asDouble())
                    .isEqualTo(point.at("/peer/prefill_ms").asDouble(), within(1e-6));
        }
        assertThat(ImageIO.read(plot.toFile()).getWidth()).isPositive();
    }

    @Test
    void aPeerThatDoesNotWorkGetsOneSentence() throws Exception {
        refuses("there is no program 'bench' in", folder.resolve("nowhere"));
        refuses("quantize failed with exit code 3: no room", peer("full", BENCH, "echo no room >&2; exit 3"));
        refuses("quantize made no file of the format Q4_0", peer("idle", BENCH, "true"));
        refuses("bench failed with exit code 1", peer("failing", "exit 1", "cp \"$1\" \"$2\""));
        refuses("bench printed something else than one JSON document", peer("talking", "echo fast", "cp \"$1\" \"$2\""));
        refuses("bench printed no positive number for prefill_tok_s.min", peer("empty", "echo {}", "cp \"$1\" \"$2\""));
    }

    @Test
    void aPeerThatIsToServeNeedsAServer() throws Exception {
        Path peer = peer("without-server", BENCH, "cp \"$1\" \"$2\"");
        Result result = elms.run("eval", "service", model, "--against", peer.toString());
        assertThat(result.exitCode()).as(result.err()).isEqualTo(1);
        assertThat(result.said()).last().asString().startsWith("elms: there is no program 'llama-server' in")
                .contains("llama.cpp's llama-server and quantize");
    }

    private static void refuses(String sentence, Path peer) throws Exception {
        Result result = elms.run("bench", model, "--against", peer.toString(), "--rounds", "1");
        assertThat(result.exitCode()).as(result.err()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(result.said()).last().asString().startsWith("elms: ").contains(sentence);
    }

    /** A folder with two shell scripts. */
    private static Path peer(String name, String bench, String quantize) throws IOException {
        Path peer = Files.createDirectory(folder.resolve(name));
        script(peer.resolve("bench"), bench);
        script(peer.resolve("quantize"), quantize);
        return peer;
    }

    private static void script(Path path, String text) throws IOException {
        Files.writeString(path, "#!/bin/sh\n" + text + "\n");
        assertThat(path.toFile().setExecutable(true)).isTrue();
    }
}
