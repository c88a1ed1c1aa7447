package elms.server.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.OptionalLong;

/** Fetches a file over HTTP. What arrived before a failure stays, and the next call goes on behind it. */
final class Download {
    private static final Duration CONNECT = Duration.ofSeconds(3);
    private static final Duration FIRST_BYTE = Duration.ofSeconds(20);
    private static final int PARTIAL_CONTENT = 206;
    private static final int RANGE_NOT_SATISFIABLE = 416;

    private Download() {}

    /** Brings {@code part} to the full length of what {@code uri} names. */
    static void fetch(URI uri, Path part, ByteProgress progress) throws IOException {
        try (HttpClient client = HttpClient.newBuilder().connectTimeout(CONNECT)
                .followRedirects(HttpClient.Redirect.NORMAL).build()) {
            long have = Files.exists(part) ? Files.size(part) : 0;
            HttpResponse<InputStream> response = get(client, uri, have);
            if (response.statusCode() == RANGE_NOT_SATISFIABLE) {
                response.body().close();
                have = 0;
                response = get(client, uri, 0);
            }
            try (InputStream in = response.body()) {
                if (response.statusCode() == 200) {
                    have = 0;
                } else if (response.statusCode() != PARTIAL_CONTENT) {
                    throw new IOException("the server answered " + response.statusCode());
                }
                OptionalLong length = response.headers().firstValueAsLong("Content-Length");
                copy(in, part, have, length.isPresent() ? have + length.getAsLong() : -1, progress);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static HttpResponse<InputStream> get(HttpClient client, URI uri, long from) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(FIRST_BYTE).header("User-Agent", "elms");
        if (from > 0) {
            request.header("Range", "bytes=" + from + "-");
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    }

    static void copy(InputStream in, Path part, long have, long total, ByteProgress progress) throws IOException {
        StandardOpenOption mode = have > 0 ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING;
        byte[] buffer = new byte[1 << 17];
        long done = have;
        try (OutputStream out = Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, mode)) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                out.write(buffer, 0, count);
                done += count;
                progress.at(done, total);
            }
        }
        if (total >= 0 && done != total) {
            throw new IOException("only " + done + " of " + total + " bytes came");
        }
    }
}
