package elms.engine.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** Bytes that can be read from anywhere. */
interface GgufSource {
    long size();

    /** Fills {@code target} to its limit from {@code position} on, or as far as there are bytes; returns how many. */
    int read(ByteBuffer target, long position) throws IOException;

    static GgufSource of(FileChannel channel) throws IOException {
        long size = channel.size();
        return new GgufSource() {
            @Override
            public long size() {
                return size;
            }

            @Override
            public int read(ByteBuffer target, long position) throws IOException {
                int total = 0;
                while (target.hasRemaining()) {
                    int count = channel.read(target, position + total);
                    if (count < 0) {
                        break;
                    }
                    total += count;
                }
                return total;
            }
        };
    }

    static GgufSource of(byte[] bytes) {
        return new GgufSource() {
            @Override
            public long size() {
                return bytes.length;
            }

            @Override
            public int read(ByteBuffer target, long position) {
                int count = (int) Math.min(target.remaining(), bytes.length - position);
                target.put(bytes, (int) position, count);
                return count;
            }
        };
    }
}
