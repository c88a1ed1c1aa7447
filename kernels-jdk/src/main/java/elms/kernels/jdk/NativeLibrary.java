package elms.kernels.jdk;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.zip.CRC32;

/**
 * The C kernels: found among the resources, copied to a folder that only its owner can read and that is named by the library's
 * checksum, compared and loaded from there.
 *
 * @param tier the best instruction tier of this processor, or the one asked for
 */
record NativeLibrary(String tier, SymbolLookup symbols) {
    /** System property: {@code off}, or a tier to use instead of the best one. */
    static final String PROPERTY = "elms.native";

    private static final String FILE = "libelms.so";
    private static final String OFF = "off";
    /** Multiplies tokens of prompts; those of answers have the tier before. */
    private static final String AMX = "amx";
    /** Oldest first, in the order of the bits of {@code elms_tiers}. */
    private static final List<String> X86_TIERS = List.of("avx2", "avxvnni", "avx512vnni", AMX);
    private static final List<String> ARM_TIERS = List.of("dotprod", "i8mm");
    private static final long AT_HWCAP = 16;
    private static final long AT_HWCAP2 = 26;

    /** Loads the library for this machine, in the tier that the system property asks for. */
    static NativeLibrary load() throws ProviderUnavailableException {
        String wanted = System.getProperty(PROPERTY, "");
        if (wanted.equals(OFF)) {
            throw unavailable("they are switched off by -D" + PROPERTY + "=" + OFF);
        }
        return load(wanted);
    }

    /**
     * Loads the library for this machine.
     *
     * @param wanted a tier, or nothing for the best
     */
    static NativeLibrary load(String wanted) throws ProviderUnavailableException {
        try {
            return load(resource(), cacheFolder(), wanted);
        } catch (IOException e) {
            throw unavailable("their library could not be read: " + e.getMessage(), e);
        }
    }

    /** Loads a library that is unpacked to a cache. */
    static NativeLibrary load(byte[] library, Path cache, String wanted) throws ProviderUnavailableException {
        SymbolLookup symbols;
        try {
            symbols = SymbolLookup.libraryLookup(unpack(library, cache), Arena.global());
        } catch (IOException | IllegalArgumentException | IllegalCallerException e) {
            throw unavailable("their library could not be loaded: " + e.getMessage(), e);
        }
        List<String> tiers = tiers(symbols);
        if (tiers.isEmpty()) {
            throw unavailable("this processor has none of the instructions they need ("
                    + String.join(", ", arm() ? ARM_TIERS : X86_TIERS) + ")");
        }
        if (!wanted.isEmpty() && !tiers.contains(wanted)) {
            throw unavailable("the tier " + wanted + " is none of those of this processor: " + String.join(", ", tiers));
        }
        return new NativeLibrary(wanted.isEmpty() ? tiers.getLast() : wanted, symbols);
    }

    /** The library in the tier for tokens that come one at a time: tiles are for many. */
    NativeLibrary forAnswers() {
        return tier.equals(AMX) ? new NativeLibrary(X86_TIERS.get(X86_TIERS.indexOf(AMX) - 1), symbols) : this;
    }

    /** The tiers that this processor can run and the library holds, oldest first. */
    private static List<String> tiers(SymbolLookup symbols) throws ProviderUnavailableException {
        MethodHandle tiers = Linker.nativeLinker().downcallHandle(symbols.findOrThrow("elms_tiers"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG), Linker.Option.critical(false));
        List<String> all = arm() ? ARM_TIERS : X86_TIERS;
        try {
            int bits = (int) tiers.invokeExact(hardwareCapabilities(AT_HWCAP), hardwareCapabilities(AT_HWCAP2));
            return IntStream.range(0, all.size()).filter(i -> (bits >> i & 1) == 1).mapToObj(all::get)
                    .filter(tier -> symbols.find(tier + "_matmul").isPresent()).toList();
        } catch (Throwable e) {
            throw unavailable("their library does not answer: " + e, e);
        }
    }

    private static boolean arm() {
        return architecture().equals("aarch64");
    }

    private static String architecture() {
        String architecture = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        return architecture.equals("amd64") ? "x86_64" : architecture;
    }

    /** What Linux tells a process of its processor, which x86 tells itself; the library has no C library to ask. */
    private static long hardwareCapabilities(long word) throws IOException {
        if (!arm()) {
            return 0;
        }
        ByteBuffer pairs = ByteBuffer.wrap(Files.readAllBytes(Path.of("/proc/self/auxv"))).order(ByteOrder.nativeOrder());
        while (pairs.remaining() >= 2 * Long.BYTES) {
            long key = pairs.getLong();
            long value = pairs.getLong();
            if (key == word) {
                return value;
            }
        }
        return 0;
    }

    private static ProviderUnavailableException unavailable(String reason) {
        return unavailable(reason, null);
    }

    private static ProviderUnavailableException unavailable(String reason, Throwable cause) {
        return new ProviderUnavailableException(Provider.NATIVE, reason, cause);
    }

    private static byte[] resource() throws IOException, ProviderUnavailableException {
        String folder = System.getProperty("os.name").toLowerCase(Locale.ROOT) + "-" + architecture();
        try (InputStream in = NativeLibrary.class.getResourceAsStream("native/" + folder + "/" + FILE)) {
            if (in == null) {
                throw unavailable("Elms was built without them for " + folder + " (no C compiler was found)");
            }
            return in.readAllBytes();
        }
    }

    private static Path cacheFolder() {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path root = cache == null || cache.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache);
        return root.resolve("elms").resolve("native");
    }

    /** The library as a file whose bytes were just compared with the resource's, in a folder of its own. */
    static Path unpack(byte[] library, Path cache) throws IOException {
        Path folder = cache.resolve(name(library));
        Path file = folder.resolve(FILE);
        if (Files.isRegularFile(file) && ownerOnly(folder) && Arrays.equals(Files.readAllBytes(file), library)) {
            return file;
        }
        Files.createDirectories(cache);
        if (!Files.exists(folder)) {
            Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
        if (!ownerOnly(folder)) {
            throw new IOException(folder + " can be written by others; remove it");
        }
        Path fresh = Files.createTempFile(folder, "elms", ".so");
        Files.write(fresh, library);
        return Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Whether this user owns a folder and nobody else may use it. */
    private static boolean ownerOnly(Path folder) throws IOException {
        return Files.getOwner(folder).equals(Files.getOwner(Path.of("/proc/self")))
                && PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)).equals("rwx------");
    }

    /** Tells versions apart by a checksum that costs a start nothing; what a file holds is compared in full. */
    private static String name(byte[] library) {
        CRC32 checksum = new CRC32();
        checksum.update(library);
        return Long.toHexString(checksum.getValue());
    }
}
