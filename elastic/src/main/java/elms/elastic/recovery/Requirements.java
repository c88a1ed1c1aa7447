package elms.elastic.recovery;

import elms.elastic.Calibration;
import elms.engine.ElmsException;
import elms.engine.model.ModelConfig;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What a recovery takes, estimated beforehand from the shape of the model.
 *
 * @param memory bytes, the JVM's own among them
 * @param disk bytes of the checkpoint, while a new state stands beside the old one
 */
record Requirements(long memory, long disk) {
    private static final long JVM = 700L << 20;
    private static final double GIB = 1 << 30;

    /**
     * Of a model and what is to be recovered of it.
     *
     * @param levels how many
     * @param rank of their adapters
     * @param type of the products
     * @param sequences to train on
     */
    static Requirements of(ModelConfig config, int levels, int rank, ScalarType type, long sequences) {
        long number = type == ScalarType.BFloat16 ? Short.BYTES : Float.BYTES;
        long tokens = (long) Distillation.BATCH * Calibration.LENGTH;
        int attended = config.heads() * config.headDim();
        long adapters = (long) config.layers() * rank * (6L * config.width() + attended + config.neurons());
        long trained = (adapters + 4L * levels * config.layers() * config.width()) * Float.BYTES;
        // The resident model of 4 to 8 bits, and its copy for training.
        long weights = (config.decoderWeights() + 2 * config.outputWeights()) * (number + 1);
        // What the gradients of a layer need: streams in floats; inputs, products and scores in the type of the products.
        long layer = 8L * Float.BYTES * config.width()
                + number * (4L * config.width() + 6L * attended + 5L * config.neurons() + 5L * config.heads() * Calibration.LENGTH);
        long head = config.vocabulary() * (3L * Float.BYTES + 2 * number);
        return new Requirements(JVM + weights + 4 * trained + tokens * (config.layers() * layer + head),
                2 * 3 * trained + sequences * Calibration.LENGTH * Integer.BYTES);
    }

    /** Throws {@link ElmsException} if this machine, or the disk of a folder, has less. */
    void check(Path folder) throws IOException {
        var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        if (system.getTotalMemorySize() < memory) {
            throw new ElmsException("training this model takes about " + gibibytes(memory) + " of memory, but this machine has "
                    + gibibytes(system.getTotalMemorySize()) + "; use --budget 0, or a larger machine");
        }
        Files.createDirectories(folder);
        long free = Files.getFileStore(folder).getUsableSpace();
        if (free < disk) {
            throw new ElmsException("training this model takes about " + gibibytes(disk) + " of disk at " + folder
                    + ", where only " + gibibytes(free) + " are free");
        }
    }

    private static String gibibytes(long bytes) {
        return "%.1f GiB".formatted(bytes / GIB);
    }
}
