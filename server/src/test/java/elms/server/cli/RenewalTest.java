package elms.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.Opcode;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RenewalTest {
    @TempDir
    Path folder;

    @Test
    void classesForJava5GetStackMapsAndAllElseStaysAsItIs() throws IOException {
        Path jar = jar(Map.of("Old.class", absolute(ClassFile.JAVA_5_VERSION), "New.class", absolute(ClassFile.JAVA_8_VERSION),
                "text", new byte[] {1, 2, 3}));
        Renewal.main(new String[] {folder.toString()});
        ClassModel renewed = ClassFile.of().parse(content(jar, "Old.class"));
        assertThat(renewed.majorVersion()).isEqualTo(ClassFile.JAVA_6_VERSION);
        assertThat(renewed.methods().getFirst().code().orElseThrow().findAttribute(Attributes.stackMapTable())).isPresent();
        assertThat(ClassFile.of().verify(renewed)).isEmpty();
        assertThat(content(jar, "New.class")).isEqualTo(absolute(ClassFile.JAVA_8_VERSION));
        assertThat(content(jar, "text")).isEqualTo(new byte[] {1, 2, 3});
    }

    @Test
    void aJarWithoutThemIsNotTouched() throws IOException {
        Path jar = jar(Map.of("New.class", absolute(ClassFile.JAVA_8_VERSION)));
        Object before = Files.readAttributes(jar, "unix:ino").get("ino");
        Renewal.main(new String[] {folder.toString()});
        assertThat(Files.readAttributes(jar, "unix:ino").get("ino")).isEqualTo(before);
    }

    private Path jar(Map<String, byte[]> entries) throws IOException {
        Path jar = folder.resolve("library.jar");
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar))) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                out.putNextEntry(new ZipEntry(entry.getKey()));
                out.write(entry.getValue());
            }
        }
        return jar;
    }

    /** A class with a branch, which is what stack maps are for. */
    private static byte[] absolute(int version) {
        return ClassFile.of().build(ClassDesc.of("Sample"), type -> type.withVersion(version, 0).withMethodBody("absolute",
                MethodTypeDesc.of(ConstantDescs.CD_int, ConstantDescs.CD_int), ClassFile.ACC_STATIC | ClassFile.ACC_PUBLIC,
                code -> code.iload(0).ifThen(Opcode.IFLT, negative -> negative.iload(0).ineg().ireturn())
                        .iload(0).ireturn()));
    }

    private static byte[] content(Path jar, String name) throws IOException {
        try (ZipFile file = new ZipFile(jar.toFile()); InputStream in = file.getInputStream(file.getEntry(name))) {
            return in.readAllBytes();
        }
    }
}
