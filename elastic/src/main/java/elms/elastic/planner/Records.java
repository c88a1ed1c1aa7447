package elms.elastic.planner;

import elms.engine.ElmsException;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** Rows of numbers in a file that grows while they are measured, so that what was measured outlives the process. */
final class Records {
    private final Path file;
    private final List<float[]> rows = new ArrayList<>();

    /** Reads what is there; a last row that was not written to its end does not count. */
    Records(Path file) {
        this.file = file;
        long complete = 0;
        if (Files.exists(file)) {
            try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
                while (true) {
                    float[] row = new float[in.readInt()];
                    for (int i = 0; i < row.length; i++) {
                        row[i] = in.readFloat();
                    }
                    rows.add(row);
                    complete += Integer.BYTES + (long) row.length * Float.BYTES;
                }
            } catch (EOFException e) {
                truncate(complete);
            } catch (IOException e) {
                throw new ElmsException("what was measured before cannot be read from " + file + ": " + e.getMessage(), e);
            }
        }
    }

    private void truncate(long length) {
        try (var channel = Files.newByteChannel(file, StandardOpenOption.WRITE)) {
            channel.truncate(length);
        } catch (IOException e) {
            throw new ElmsException(file + " cannot be written: " + e.getMessage(), e);
        }
    }

    List<float[]> rows() {
        return rows;
    }

    void add(float[] row) {
        rows.add(row);
        try (DataOutputStream out = new DataOutputStream(
                Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND))) {
            ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES + row.length * Float.BYTES).putInt(row.length);
            bytes.asFloatBuffer().put(row);
            out.write(bytes.array());
        } catch (IOException e) {
            throw new ElmsException(file + " cannot be written: " + e.getMessage(), e);
        }
    }
}
