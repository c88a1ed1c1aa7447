package elms.planner;

import elms.engine.NanoModel;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Levels of a small random model, largest first. */
record TestLevels(List<SubModel> all) {
    static TestLevels make() {
        try {
            Path folder = Files.createTempDirectory("elms-levels");
            Path file = NanoModel.ODD.write(folder);
            try {
                return read(file);
            } finally {
                Files.delete(file);
                Files.delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static TestLevels read(Path path) {
        try (GgufFile file = GgufFile.open(path)) {
            ModelConfig config = ModelConfig.of(file);
            Weights weights = Weights.of(config, Order.identity(config),
                    new WeightPacker(file, config, Order.identity(config), Precision.FLOAT));
            List<SubModel> levels = new ArrayList<>();
            levels.add(SubModel.of(weights, Level.full(config)));
            for (int neurons : new int[] {60, 45, 30, 15}) {
                Level level = Level.full(config);
                Arrays.fill(level.neurons(), neurons);
                levels.add(SubModel.of(weights, level));
            }
            return new TestLevels(levels);
        }
    }

    SubModel full() {
        return all.getFirst();
    }

    SubModel smallest() {
        return all.getLast();
    }
}
