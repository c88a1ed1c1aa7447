package elms.server.http;

import elms.engine.ElmsException;
import elms.server.store.Folders;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A UNIX socket that nobody but its owner can ever connect to: it is made in a folder that others cannot enter, and moved to its
 * place when its own permissions are set.
 */
final class UnixSocket implements AutoCloseable {
    private static final String ANYTHING_ELSE = "another name for --socket";

    private final Path path;
    private final Path folder;

    /** Makes the folder in which the socket is to be bound. */
    UnixSocket(Path path) {
        this.path = path.toAbsolutePath();
        try {
            requireFree();
            this.folder = Files.createTempDirectory(this.path.getParent(), ".elms-");
        } catch (IOException e) {
            throw new ElmsException("no socket can be made in " + this.path.getParent() + ": " + e.getMessage(), e);
        }
    }

    /** What is left of a server that did not stop in order is replaced, and nothing else. */
    private void requireFree() throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.readAttributes(path, "isOther", LinkOption.NOFOLLOW_LINKS).get("isOther").equals(true)) {
            throw new ElmsException(path + " is there already and is no socket; choose " + ANYTHING_ELSE);
        }
        try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            throw new ElmsException("a server listens at " + path + " already; stop it, or choose " + ANYTHING_ELSE);
        } catch (IOException nobodyListens) {
            Files.delete(path);
        }
    }

    /** Where to bind. */
    UnixDomainSocketAddress address() {
        return UnixDomainSocketAddress.of(folder.resolve("s"));
    }

    /** Makes the bound socket known by its name. */
    void publish() {
        Path bound = address().getPath();
        try {
            Files.setPosixFilePermissions(bound, PosixFilePermissions.fromString("rw-------"));
            Files.move(bound, path, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new ElmsException("the socket " + path + " cannot be made: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(path);
            Folders.delete(folder);
        } catch (IOException e) {
            throw new ElmsException(path + " cannot be removed: " + e.getMessage(), e);
        }
    }
}
