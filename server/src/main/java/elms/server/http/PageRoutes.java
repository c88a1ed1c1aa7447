package elms.server.http;

import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/** The page to chat on: three files, which may load nothing from elsewhere. */
final class PageRoutes implements HttpService {
    private static final String FOLDER = "/elms/server/web/";
    private static final List<Header> HEADERS = List.of(
            HeaderValues.create(HeaderNames.create("Content-Security-Policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; "
                    + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
            HeaderValues.create(HeaderNames.create("X-Content-Type-Options"), "nosniff"),
            HeaderValues.create(HeaderNames.create("Referrer-Policy"), "no-referrer"),
            HeaderValues.create(HeaderNames.CACHE_CONTROL, "no-cache"));

    @Override
    public void routing(HttpRules rules) {
        serve(rules, "/", "index.html", "text/html; charset=utf-8");
        serve(rules, "/elms.css", "elms.css", "text/css; charset=utf-8");
        serve(rules, "/elms.js", "elms.js", "text/javascript; charset=utf-8");
    }

    private static void serve(HttpRules rules, String path, String file, String contentType) {
        byte[] content = read(file);
        rules.get(path, (request, response) -> {
            HEADERS.forEach(response::header);
            response.header(HeaderNames.CONTENT_TYPE, contentType).send(content);
        });
    }

    private static byte[] read(String file) {
        try (InputStream in = PageRoutes.class.getResourceAsStream(FOLDER + file)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
