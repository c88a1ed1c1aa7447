package elms.eval;

import elms.engine.ElmsException;
import elms.planner.Answering;
import elms.planner.Plan.Span;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.zip.CRC32;

/**
 * What the choices of questions scored, by what decides about it: the tokens that were read and the level of each, the levels that
 * answered, and the choices. Times do not. Kept in a file that grows as it is measured, a measurement that was stopped goes on.
 */
public final class AnswerStore implements AutoCloseable {
    private static final int KEY_BYTES = 2 * Long.BYTES;

    /** A digest of all that decides about scores. */
    record Key(long high, long low) {
        static Key of(List<Span> spans, Answering answering, List<String> choices) {
            MessageDigest digest = sha256();
            digest.update(ByteBuffer.allocate(Double.BYTES).putDouble(answering.level().share()).flip());
            if (answering.fullTokens() > 1 && answering.level().share() < 1) {
                digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(answering.fullTokens()).flip());
            }
            for (Span span : spans) {
                ByteBuffer bytes = ByteBuffer.allocate(span.length() * (Integer.BYTES + Double.BYTES));
                for (int token : span.tokens()) {
                    bytes.putInt(token).putDouble(span.level().share());
                }
                digest.update(bytes.flip());
            }
            choices.forEach(choice -> digest.update(('\n' + choice).getBytes(StandardCharsets.UTF_8)));
            ByteBuffer hash = ByteBuffer.wrap(digest.digest());
            return new Key(hash.getLong(), hash.getLong());
        }

        private static MessageDigest sha256() {
            try {
                return MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java platform has SHA-256", e);
            }
        }
    }

    private final Map<Key, float[]> known = new HashMap<>();
    private final Optional<Path> file;
    private final Optional<FileChannel> channel;

    private AnswerStore(Optional<Path> file, Optional<FileChannel> channel) {
        this.file = file;
        this.channel = channel;
    }

    /** One that forgets with the process. */
    public static AnswerStore inMemory() {
        return new AnswerStore(Optional.empty(), Optional.empty());
    }

    /**
     * One that a file keeps. What a killed process wrote by halves is cut off; a file of something else, or a damaged one, is
     * measured anew from there on.
     *
     * @param owner what the scores depend on besides their keys: the model, its pack, the kernels
     * @param warning told in one sentence if something was not usable
     */
    public static AnswerStore of(Path file, String owner, Consumer<String> warning) {
        FileChannel channel = null;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            lock(channel, file);
            AnswerStore store = new AnswerStore(Optional.of(file), Optional.of(channel));
            store.read(owner, warning);
            return store;
        } catch (IOException e) {
            throw unusable(file, e);
        }
    }

    private static void lock(FileChannel channel, Path file) throws IOException {
        FileLock lock = null;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // Another store of this process holds it, which the check below reports like one of another process.
        }
        if (lock == null) {
            channel.close();
            throw new ElmsException(file + " is in use by another measurement; wait until that has ended");
        }
    }

    private void read(String owner, Consumer<String> warning) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file.orElseThrow()));
        byte[] head = (owner + "\n").getBytes(StandardCharsets.UTF_8);
        boolean own = bytes.remaining() >= head.length && bytes.slice(0, head.length).equals(ByteBuffer.wrap(head));
        if (!own) {
            if (bytes.hasRemaining()) {
                warning.accept("the answers in " + file.get() + " are another model's or damaged, and are measured anew");
            }
            write(ByteBuffer.wrap(head), 0);
            return;
        }
        bytes.position(head.length);
        int end = head.length;
        try {
            while (bytes.hasRemaining() && readRow(bytes)) {
                end = bytes.position();
            }
            if (end < bytes.limit()) {
                warning.accept("the answers in " + file.get() + " are damaged behind the first " + known.size()
                        + ", and are measured anew from there");
            }
        } catch (BufferUnderflowException e) {
            // A process was killed while it wrote its last row.
        }
        channel.orElseThrow().truncate(end).position(end);
    }

    /** Whether the row was whole. */
    private boolean readRow(ByteBuffer bytes) {
        int from = bytes.position();
        Key key = new Key(bytes.getLong(), bytes.getLong());
        int count = bytes.getInt();
        if (count < 1) {
            return false;
        }
        if (count > bytes.remaining() / Float.BYTES) {
            throw new BufferUnderflowException();
        }
        float[] scores = new float[count];
        bytes.asFloatBuffer().get(scores);
        bytes.position(bytes.position() + count * Float.BYTES);
        int checksum = checksum(bytes.slice(from, bytes.position() - from));
        if (bytes.getInt() != checksum) {
            return false;
        }
        known.put(key, scores);
        return true;
    }

    Optional<float[]> find(Key key) {
        return Optional.ofNullable(known.get(key));
    }

    void add(Key key, float[] scores) {
        known.put(key, scores);
        if (channel.isEmpty()) {
            return;
        }
        ByteBuffer row = ByteBuffer.allocate(KEY_BYTES + Integer.BYTES + scores.length * Float.BYTES + Integer.BYTES);
        row.putLong(key.high()).putLong(key.low()).putInt(scores.length);
        for (float score : scores) {
            row.putFloat(score);
        }
        row.putInt(checksum(row.slice(0, row.position())));
        try {
            write(row.flip(), channel.get().position());
        } catch (IOException e) {
            throw unusable(file.orElseThrow(), e);
        }
    }

    /** Writes at a position, behind which nothing stays. */
    private void write(ByteBuffer bytes, long position) throws IOException {
        FileChannel out = channel.orElseThrow().truncate(position).position(position);
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    private static int checksum(ByteBuffer bytes) {
        CRC32 checksum = new CRC32();
        checksum.update(bytes);
        return (int) checksum.getValue();
    }

    private static ElmsException unusable(Path file, IOException e) {
        return new ElmsException("the answers in " + file + " can be neither read nor written: " + e.getMessage(), e);
    }

    @Override
    public void close() {
        if (channel.isPresent()) {
            try {
                channel.get().close();
            } catch (IOException e) {
                throw unusable(file.orElseThrow(), e);
            }
        }
    }
}
