package elms.server.http;

import elms.service.AppProfile;
import io.helidon.http.Header;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http.ServerRequest;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Lets in who may come: requests that call this server by a name of its own (a foreign one means DNS rebinding), from no foreign
 * web page, with a key where keys are asked for. Finds out which app it is.
 */
final class Guard implements Filter {
    private static final HeaderName APP = HeaderNames.create("x-elms-app");
    private static final HeaderName FETCH_SITE = HeaderNames.create("Sec-Fetch-Site");
    private static final HeaderName API_KEY = HeaderNames.create("x-api-key");
    private static final Status HEADERS_TOO_LARGE = Status.create(431, "Request Header Fields Too Large");
    private static final String BEARER = "Bearer ";
    private static final String DEFAULT_APP = "default";
    private static final Pattern ADDRESS = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9a-f:.]+]");
    private static final Pattern PORT = Pattern.compile(":[0-9]{1,5}$");
    /** Say nothing that a key protects: whether the server lives, and the page, which asks for the key. */
    private static final Set<String> OPEN = Set.of("/health", "/", "/elms.css", "/elms.js");

    private final ServerSettings settings;

    Guard(ServerSettings settings) {
        this.settings = settings;
    }

    /** Name of the app that a request comes from. */
    record Caller(String app, boolean hasKey) {
        static Caller of(ServerRequest request) {
            return request.context().get(Caller.class).orElseThrow(() -> new IllegalStateException("every request is guarded"));
        }
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        requireSmallHeaders(request);
        String host = request.headers().first(HeaderNames.HOST).orElse("").toLowerCase(Locale.ROOT);
        requireOwnName(host);
        requireOwnPage(request, host);
        if (!OPEN.contains(request.path().path())) {
            request.context().register(caller(request));
        }
        chain.proceed();
    }

    private void requireSmallHeaders(RoutingRequest request) {
        long bytes = 0;
        for (Header header : request.headers()) {
            bytes += header.allValues().stream().mapToLong(String::length).sum() + header.name().length();
        }
        if (bytes > settings.limits().headerBytes()) {
            throw ApiException.of(HEADERS_TOO_LARGE, "headers_too_large",
                    "the headers have more than " + settings.limits().headerBytes() + " bytes");
        }
    }

    /** An address cannot be rebound, so all addresses are fine. */
    private void requireOwnName(String host) {
        String name = PORT.matcher(host).replaceFirst("");
        if (!ADDRESS.matcher(name).matches() && !name.equals("localhost") && !name.endsWith(".localhost")
                && !settings.allowedHosts().contains(name)) {
            throw ApiException.of(Status.FORBIDDEN_403, "foreign_host",
                    "this server is not called '" + name + "'; start it with --allow-host if it is");
        }
    }

    private void requireOwnPage(RoutingRequest request, String host) {
        Optional<String> origin = request.headers().first(HeaderNames.ORIGIN);
        boolean own = origin.isEmpty()
                ? request.headers().first(FETCH_SITE).filter("cross-site"::equals).isEmpty() || request.path().path().equals("/")
                : origin.get().equalsIgnoreCase("http://" + host) || settings.allowedOrigins().contains(origin.get());
        if (!own) {
            throw ApiException.of(Status.FORBIDDEN_403, "foreign_origin", "pages of " + origin.map(Guard::shown)
                    .orElse("other sites")
                    + " may not call this server; start it with --allow-origin if they may");
        }
    }

    private static String shown(String origin) {
        try {
            return String.valueOf(URI.create(origin).getHost());
        } catch (IllegalArgumentException e) {
            return "that origin";
        }
    }

    private Caller caller(RoutingRequest request) {
        List<String> names = request.headers().all(APP, List::of);
        if (names.size() > 1) {
            throw ApiException.field("x-elms-app", "the header x-elms-app is there more than once");
        }
        Optional<String> name = names.stream().findFirst();
        if (settings.keys().isEmpty()) {
            return new Caller(AppProfile.of(name.orElse(DEFAULT_APP)).name(), false);
        }
        String app = key(request).flatMap(key -> ApiKey.app(settings.keys(), key)).orElseThrow(() -> ApiException.of(
                Status.UNAUTHORIZED_401, "invalid_api_key", "a key of this server is needed, as Authorization: Bearer KEY"));
        if (name.isPresent() && !name.get().equals(app)) {
            throw ApiException.of(Status.FORBIDDEN_403, "foreign_app", "this key is of another app than '"
                    + AppProfile.of(name.get()).name()
                    + "'");
        }
        return new Caller(app, true);
    }

    private static Optional<String> key(RoutingRequest request) {
        List<String> values = request.headers().all(HeaderNames.AUTHORIZATION, List::of);
        if (values.size() == 1 && values.getFirst().regionMatches(true, 0, BEARER, 0, BEARER.length())) {
            return Optional.of(values.getFirst().substring(BEARER.length()).strip());
        }
        return values.isEmpty() ? request.headers().first(API_KEY) : Optional.empty();
    }
}
