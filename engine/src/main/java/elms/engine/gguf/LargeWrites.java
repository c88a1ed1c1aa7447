package elms.engine.gguf;

import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Writes a new file two megabytes at a time. Linux keeps what comes at once in one large page, where its file system can, and maps that
 * as one: who maps the file then finds its addresses with few look-ups, which count where memory has not been read for a while.
 */
final class LargeWrites implements AutoCloseable {
    private static final int PAGE = 2 << 20;

    private final FileChannel channel;
    private final ByteBuffer page = ByteBuffer.allocateDirect(PAGE);

    LargeWrites(Path file) throws IOException {
        channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    }

    void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            int count = Math.min(bytes.remaining(), page.remaining());
            page.put(bytes.slice(bytes.position(), count));
            ((Buffer) bytes).position(bytes.position() + count);
            if (!page.hasRemaining()) {
                flush();
            }
        }
    }

    /** Writes zeros up to a multiple of {@code alignment}, which divides a page. */
    void pad(int alignment) throws IOException {
        write(ByteBuffer.allocate((alignment - page.position() % alignment) % alignment));
    }

    /** Writes what is left: to be called once, at the end. */
    void flush() throws IOException {
        ((Buffer) page).flip();
        while (page.hasRemaining()) {
            channel.write(page);
        }
        ((Buffer) page).clear();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
