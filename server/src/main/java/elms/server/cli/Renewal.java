package elms.server.cli;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Raises class files of before Java 6 to Java 6, with the stack maps that this asks for: without them the JVM keeps no class linked
 * (JEP 483), and a start would link, by the old verifier, hundreds of classes of libraries that are compiled for Java 5.
 */
final class Renewal {
    private static final int MAJOR_VERSION = 7;

    private final ClassFile classFile = ClassFile.of(ClassFile.ClassHierarchyResolverOption.of(
            ClassHierarchyResolver.ofResourceParsing(ClassLoader.getSystemClassLoader())));
    private final ClassTransform toJava6 = ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)
            .andThen((builder, element) -> builder.with(element instanceof ClassFileVersion
                    ? ClassFileVersion.of(ClassFile.JAVA_6_VERSION, 0) : element));

    private Renewal() {}

    /**
     * Renews JARs in place.
     *
     * @param folder of JARs, which are the class path as well
     */
    public static void main(String[] folder) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(Path.of(folder[0]))) {
            files = all.filter(file -> file.toString().endsWith(".jar")).toList();
        }
        for (Path file : files) {
            new Renewal().renew(file);
        }
    }

    private void renew(Path file) throws IOException {
        try (ZipFile jar = new ZipFile(file.toFile())) {
            List<? extends ZipEntry> entries = jar.stream().toList();
            boolean old = false;
            for (ZipEntry entry : entries) {
                old |= isOld(entry, jar);
            }
            if (old) {
                Path part = file.resolveSibling(file.getFileName() + ".part");
                try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(part))) {
                    for (ZipEntry entry : entries) {
                        byte[] content = jar.getInputStream(entry).readAllBytes();
                        out.putNextEntry(new ZipEntry(entry.getName()));
                        out.write(isOld(entry, jar) ? classFile.transformClass(classFile.parse(content), toJava6) : content);
                    }
                }
                Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    private static boolean isOld(ZipEntry entry, ZipFile jar) throws IOException {
        return entry.getName().endsWith(".class")
                && jar.getInputStream(entry).readNBytes(MAJOR_VERSION + 1)[MAJOR_VERSION] < ClassFile.JAVA_6_VERSION;
    }
}
