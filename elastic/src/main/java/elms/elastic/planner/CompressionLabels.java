package elms.elastic.planner;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.ElmsException;
import elms.engine.text.Encoding;
import elms.planner.compact.Pieces;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Labels as LLMLingua-2's (Pan et al., arXiv 2403.12968): a word is to be kept if another's compression of the text kept it,
 * whatever model answers to it. Words are matched from left to right.
 *
 * @param text of some originals, one after another
 * @param kept whether to keep each of its words
 */
record CompressionLabels(String text, boolean[] kept) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern WORD = Pattern.compile("\\S+");

    /**
     * Reads JSON lines with an original and its compression; those that are no subsequence are left out.
     *
     * @param together originals that make a text, so that texts are about as long as prompts
     */
    static List<CompressionLabels> read(Path file, int together) {
        try {
            List<CompressionLabels> sentences = new ArrayList<>();
            for (String line : Files.readAllLines(file)) {
                JsonNode row = JSON.readTree(line);
                of(row.path("original").asText(), row.path("compressed").asText()).ifPresent(sentences::add);
            }
            List<CompressionLabels> texts = new ArrayList<>();
            for (int from = 0; from < sentences.size(); from += together) {
                texts.add(joined(sentences.subList(from, Math.min(sentences.size(), from + together))));
            }
            return texts;
        } catch (JsonProcessingException e) {
            throw new ElmsException(file + " has a line that is not JSON", e);
        } catch (IOException e) {
            throw new ElmsException("the compressions " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Labels of one text; none where its compression has words that it does not have in that order. */
    static Optional<CompressionLabels> of(String original, String compressed) {
        List<String> all = words(original);
        List<String> wanted = words(compressed);
        boolean[] kept = new boolean[all.size()];
        int next = 0;
        for (int i = 0; i < kept.length && next < wanted.size(); i++) {
            kept[i] = all.get(i).equals(wanted.get(next));
            next += kept[i] ? 1 : 0;
        }
        return next < wanted.size() || wanted.isEmpty() ? Optional.empty() : Optional.of(new CompressionLabels(original, kept));
    }

    private static List<String> words(String text) {
        return WORD.matcher(text).results().map(MatchResult::group).map(CompressionLabels::letters).toList();
    }

    /** Without case, and without the marks around it, unless there is nothing else. */
    private static String letters(String word) {
        String letters = word.replaceAll("^\\W+|\\W+$", "").toLowerCase(Locale.ROOT);
        return letters.isEmpty() ? word : letters;
    }

    private static CompressionLabels joined(List<CompressionLabels> parts) {
        boolean[] kept = new boolean[parts.stream().mapToInt(part -> part.kept.length).sum()];
        int at = 0;
        for (CompressionLabels part : parts) {
            System.arraycopy(part.kept, 0, kept, at, part.kept.length);
            at += part.kept.length;
        }
        return new CompressionLabels(String.join(" ", parts.stream().map(CompressionLabels::text).toList()), kept);
    }

    /** A sample for the score head, all of which may be cut. */
    ScoreTraining.Sample sample(Words words, Pieces pieces) {
        Encoding encoding = pieces.encode(text);
        int rows = Math.min(encoding.length(), MiniLm.POSITIONS - 2);
        int[] kinds = new int[rows + 2];
        float[] targets = new float[rows + 2];
        kinds[0] = 1;
        kinds[rows + 1] = 1;
        Arrays.fill(targets, Float.NaN);
        List<MatchResult> places = WORD.matcher(text).results().toList();
        int word = 0;
        for (int i = 0; i < rows; i++) {
            while (places.get(word).end() <= encoding.starts()[i]) {
                word++;
            }
            targets[i + 1] = kept[word] ? 1 : 0;
        }
        return new ScoreTraining.Sample(ScoreTraining.framed(encoding, rows, words), kinds, targets);
    }
}
