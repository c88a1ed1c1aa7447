package elms.engine.gguf;

import elms.engine.gguf.GgufReader.Header;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Optional;

/**
 * An open GGUF file (the format of llama.cpp: metadata, then named tensors). Tensors are mapped on demand; a mapping stays
 * valid after {@link #close}.
 */
public final class GgufFile implements AutoCloseable {
    private final Path path;
    private final FileChannel channel;
    private final Header header;
    /** All of the file, once it was asked for: one mapping can have large pages, which tensors by themselves are too small for. */
    private ByteBuffer whole;

    private GgufFile(Path path, FileChannel channel, Header header) {
        this.path = path;
        this.channel = channel;
        this.header = header;
    }

    /** Opens and checks a file; throws {@link GgufException} with one sentence if it cannot be used. */
    public static GgufFile open(Path path) {
        if (!Files.exists(path)) {
            throw new GgufException("there is no file " + path);
        }
        if (Files.isDirectory(path)) {
            throw new GgufException(path + " is a folder, not a GGUF file");
        }
        FileChannel channel = null;
        try {
            channel = FileChannel.open(path, StandardOpenOption.READ);
            return new GgufFile(path, channel, GgufReader.read(GgufSource.of(channel)));
        } catch (GgufException e) {
            closeQuietly(channel);
            throw new GgufException(path + " is not a usable GGUF file: " + e.getMessage(), e);
        } catch (IOException e) {
            closeQuietly(channel);
            throw new GgufException(path + " cannot be read: " + e.getMessage(), e);
        }
    }

    public Path path() {
        return path;
    }

    public Metadata metadata() {
        return header.metadata();
    }

    /** All tensors by name, in the order of the file. */
    public Map<String, TensorInfo> tensors() {
        return header.tensors();
    }

    public Optional<TensorInfo> find(String name) {
        return Optional.ofNullable(header.tensors().get(name));
    }

    public TensorInfo tensor(String name) {
        return find(name).orElseThrow(() -> new GgufException(path + " has no tensor '" + name + "'"));
    }

    /** The bytes of a tensor, little-endian, read-only, at most 2 GiB. */
    public ByteBuffer map(TensorInfo tensor) {
        if (tensor.bytes() > Integer.MAX_VALUE) {
            throw new GgufException("the tensor '" + tensor.name() + "' is larger than 2 GiB, which is not supported");
        }
        return map().map(all -> all.slice((int) tensor.offset(), (int) tensor.bytes()))
                .orElseGet(() -> map(tensor.offset(), tensor.bytes())).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** All of the file, read-only, if it is not larger than 2 GiB; what is mapped of a larger one is mapped tensor by tensor. */
    public synchronized Optional<ByteBuffer> map() {
        if (whole == null && size() <= Integer.MAX_VALUE) {
            whole = map(0, size());
        }
        return Optional.ofNullable(whole);
    }

    private long size() {
        try {
            return channel.size();
        } catch (IOException e) {
            throw new GgufException(path + " cannot be read: " + e.getMessage(), e);
        }
    }

    private ByteBuffer map(long offset, long bytes) {
        try {
            return channel.map(FileChannel.MapMode.READ_ONLY, offset, bytes);
        } catch (IOException e) {
            throw new GgufException(path + " cannot be mapped: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        closeQuietly(channel);
    }

    private static void closeQuietly(FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            // The file was only read; there is nothing to lose.
        }
    }
}
