package elms.server.http;

import elms.engine.ElmsException;
import elms.service.AppProfile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What an app shows to be let in.
 *
 * @param digest SHA-256 of the key: keys of any length are compared in the same time
 */
public record ApiKey(String app, byte[] digest) {
    /** Reads a file with one {@code APP KEY} a line; empty lines and those that begin with # say nothing. */
    public static List<ApiKey> read(Path file) {
        try {
            List<ApiKey> keys = new ArrayList<>();
            Set<String> apps = new HashSet<>();
            for (String line : Files.readAllLines(file)) {
                if (line.isBlank() || line.startsWith("#")) {
                    continue;
                }
                String[] words = line.strip().split("\\s+");
                if (words.length != 2 || !apps.add(words[0])) {
                    throw new ElmsException(file + " must have one APP KEY a line, each app once; line " + (keys.size() + 1)
                            + " of the keys is something else");
                }
                keys.add(of(AppProfile.of(words[0]).name(), words[1]));
            }
            if (keys.isEmpty()) {
                throw new ElmsException(file + " has no key; write one APP KEY a line");
            }
            return keys;
        } catch (IOException e) {
            throw new ElmsException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    public static ApiKey of(String app, String key) {
        return new ApiKey(app, sha256(key));
    }

    /** The app that a key is of. Takes the same time whichever it is. */
    static Optional<String> app(List<ApiKey> keys, String key) {
        byte[] digest = sha256(key);
        String app = null;
        for (ApiKey known : keys) {
            app = MessageDigest.isEqual(known.digest, digest) ? known.app : app;
        }
        return Optional.ofNullable(app);
    }

    private static byte[] sha256(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}
