package elms.eval;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.engine.decode.KvCache;
import elms.engine.decode.Sampler;
import elms.engine.decode.Transformer;
import elms.engine.text.Message;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Judges readings of a model by what they say: greedy answers beside those of the full model. */
public final class GreedyAnswers {
    /** Tokens of an answer. */
    private static final int LENGTH = 48;
    /** Most prompts of a source. */
    private static final int PROMPTS = 30;
    /** Longer prompts are passed over. */
    private static final int MOST_TOKENS = 400;
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * How like the full model's the answers to one source's prompts are.
     *
     * @param exact share of them that have the same tokens
     * @param rougeL mean F-measure of {@link RougeL}, between 0 and 1
     * @param stderr standard error of {@code rougeL}
     */
    public record Likeness(double exact, double rougeL, double stderr, int n) {
        static Likeness of(List<Score> scores) {
            int n = scores.size();
            PairedDifference mean = PairedDifference.of(List.of(each(scores)), List.of(new double[n]));
            return new Likeness(scores.stream().filter(Score::exact).count() / (double) n, mean.mean(), mean.stderr(), n);
        }
    }

    /**
     * How like the full model's one answer is.
     *
     * @param exact whether it has the same tokens
     * @param rougeL F-measure, between 0 and 1
     */
    record Score(boolean exact, double rougeL) {}

    /** ROUGE-L of each. */
    static double[] each(List<Score> scores) {
        return scores.stream().mapToDouble(Score::rougeL).toArray();
    }

    private final ElasticModel model;
    private final Transformer transformer;
    private final Map<String, List<int[]>> prompts;
    private final Map<String, List<List<Integer>>> reference;

    /**
     * Answers the prompts with the full model.
     *
     * @param data folder that holds instruct/dolly.jsonl and qa/boolq.validation.jsonl
     * @param limit most prompts of each of the two
     */
    GreedyAnswers(ElasticModel model, Transformer transformer, Path data, long limit) {
        this.model = model;
        this.transformer = transformer;
        prompts = new LinkedHashMap<>();
        prompts.put("dolly", prompts(data.resolve("instruct/dolly.jsonl"), List.of("instruction", "input"), limit));
        prompts.put("boolq", prompts(data.resolve("qa/boolq.validation.jsonl"), List.of("context", "question"), limit));
        reference = new LinkedHashMap<>();
        Reading full = Reading.all(model.full());
        prompts.forEach((source, all) -> reference.put(source, all.stream().map(prompt -> answer(prompt, full)).toList()));
    }

    private List<int[]> prompts(Path file, List<String> fields, long limit) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.map(line -> prompt(line, fields)).filter(prompt -> prompt.length <= MOST_TOKENS)
                    .limit(Math.min(limit, PROMPTS)).toList();
        } catch (IOException e) {
            throw new ElmsException("the prompts " + file + " cannot be read; give --data a folder with instruct/dolly.jsonl and"
                    + " qa/boolq.validation.jsonl", e);
        }
    }

    private int[] prompt(String line, List<String> fields) {
        try {
            JsonNode row = JSON.readTree(line);
            String text = fields.stream().map(field -> row.path(field).asText()).filter(part -> !part.isBlank())
                    .collect(Collectors.joining("\n"));
            return model.tokenizer().encode(model.template().render(List.of(Message.user(text)))).ids();
        } catch (JsonProcessingException e) {
            throw new ElmsException("a prompt is not JSON: " + line, e);
        }
    }

    /** Answers every prompt; source by source. */
    Map<String, List<Score>> scores(Reading reading) {
        Map<String, List<Score>> scores = new LinkedHashMap<>();
        prompts.forEach((source, all) -> scores.put(source, IntStream.range(0, all.size())
                .mapToObj(i -> score(reference.get(source).get(i), answer(all.get(i), reading))).toList()));
        return scores;
    }

    private Score score(List<Integer> expected, List<Integer> answer) {
        return new Score(answer.equals(expected), RougeL.of(text(expected), text(answer)));
    }

    static Map<String, Likeness> likeness(Map<String, List<Score>> scores) {
        Map<String, Likeness> likeness = new LinkedHashMap<>();
        scores.forEach((source, all) -> likeness.put(source, Likeness.of(all)));
        return likeness;
    }

    private List<Integer> answer(int[] prompt, Reading reading) {
        List<Integer> answer = new ArrayList<>();
        try (KvCache cache = transformer.newCache(prompt.length + LENGTH)) {
            reading.read(transformer, prompt, 0, cache);
            int token = Sampler.best(transformer.candidates());
            while (!model.tokenizer().endsAnswer(token) && answer.size() < LENGTH) {
                answer.add(token);
                transformer.step(token, reading.answer(), cache);
                token = Sampler.best(transformer.candidates());
            }
        }
        return answer;
    }

    private String text(List<Integer> tokens) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        tokens.forEach(token -> bytes.writeBytes(model.tokenizer().bytes(token)));
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
