package elms.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.NanoModel;
import elms.server.cli.ElmsProcess.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code elms elasticize} where PyTorch's libraries are not there, as in this module's tests. */
class ElasticizeCommandTest {
    @TempDir
    Path folder;

    private ElmsProcess elms;
    private String model;

    @BeforeEach
    void prepare() {
        elms = new ElmsProcess(folder.resolve("home"));
        model = NanoModel.CHAT.write(folder).toString();
    }

    @Test
    void withoutABudgetItMakesAPackOfTheLevelsAskedFor() throws Exception {
        Path pack = folder.resolve("test.pack");
        Result result = elms.run("elasticize", model, "--budget", "0", "--levels", "0.5,0.8", "-o", pack.toString());
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out().strip()).isEqualTo(pack.toString());
        assertThat(pack).isNotEmptyFile();
        try (var files = Files.walk(folder.resolve("home"))) {
            assertThat(files).noneMatch(file -> file.endsWith("recovery"));
        }
    }

    @Test
    void trainingWithoutPyTorchEndsWithASentenceBeforeAnythingIsMeasured() throws Exception {
        Result result = elms.run("elasticize", model);
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.said()).singleElement().asString().startsWith("elms: training needs PyTorch's libraries");
    }

    @Test
    void thereIsNothingToResume() throws Exception {
        Result result = elms.run("elasticize", model, "--resume");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.said()).singleElement().asString().contains("no recovery of this model to go on with");
    }

    @Test
    void decisionsAreMadeAnewOnlyWhereThereIsAPlanner() throws Exception {
        Path texts = Files.writeString(folder.resolve("texts.jsonl"), "{\"text\": \"Once upon a time.\"}\n");
        assertThat(elms.run("elasticize", model, "--budget", "0").exitCode()).isZero();
        Result result = elms.run("elasticize", model, "--only", "decisions", "--calibration", texts.toString());
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.said()).singleElement().asString().contains("has no planner").contains("--only planner");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"--budget 3x|is no time such as 3h", "--budget 0 --resume|asks for none",
        "--levels 0.5,1.2|--levels has 1.2", "--resume --levels 0.5|leave out --calibration and --levels",
        "--resume --importance taylor|leave out --importance", "--budget 0 --importance best|--budget 0 does without",
        "--only decisions --budget 0|--only is a training", "--only decisions --levels 0.5|--only keeps the levels"})
    void wrongUsageEndsWithASentence(String options, String sentence) throws Exception {
        Result result = elms.run(("elasticize " + model + " " + options).split(" "));
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.said()).singleElement().asString().contains(sentence);
    }
}
