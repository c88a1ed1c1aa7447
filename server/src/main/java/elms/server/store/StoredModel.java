package elms.server.store;

import java.nio.file.Path;

/**
 * A model file on this machine.
 *
 * @param name what the user calls it
 * @param file the GGUF file
 * @param sha256 of the file, in hexadecimal
 * @param folder where what is derived from the file is kept
 */
public record StoredModel(String name, Path file, String sha256, Path folder) {}
