package elms.elastic.planner;

import elms.elastic.Progress;
import elms.elastic.planner.DecisionTraining.Sample;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.engine.model.SubModel;
import elms.engine.model.Weights;
import elms.engine.text.Tokenizer;
import elms.kernels.Kernels;
import elms.planner.compact.CompactLm;
import elms.planner.compact.CompactWeights;
import elms.planner.compact.Opinion;
import elms.text.WordPieceTokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Tries plans on exercises, with the compact language model as it will be run.
 *
 * @param levels of the model, largest first
 */
public record TriedPlans(Weights weights, List<SubModel> levels, Tokenizer tokenizer, Kernels kernels, Progress progress) {
    private static final String OUTCOMES = "tried.records";
    private static final long SEED = 1;

    /**
     * What every exercise's plans came to.
     *
     * @param planner file that carries the compact language model
     * @param folder that keeps what was measured; a measurement that was stopped goes on
     */
    List<Sample> on(List<Exercise> exercises, GgufFile planner, Path folder) {
        Records records = new Records(folder.resolve(OUTCOMES));
        List<Sample> samples = new ArrayList<>();
        CompactWeights compact = CompactWeights.read(planner);
        try (WordPieceTokenizer pieces = new WordPieceTokenizer(compact.vocabulary())) {
            CompactLm compactLm = new CompactLm(compact, pieces::encode, kernels);
            Outcomes outcomes = new Outcomes(new Transformer(weights, kernels), levels, tokenizer);
            for (int i = 0; i < exercises.size(); i++) {
                Exercise exercise = exercises.get(i);
                Opinion opinion = compactLm.read(exercise.prompt().text(), exercise.prompt().cuttable());
                if (i == records.rows().size()) {
                    records.add(Outcome.numbers(outcomes.measure(exercise, opinion, new Random(SEED + i))));
                }
                samples.add(new Sample(opinion.summary(), Outcome.of(records.rows().get(i))));
                progress.at("Trying plans", (i + 1.0) / exercises.size());
            }
        }
        return samples;
    }
}
