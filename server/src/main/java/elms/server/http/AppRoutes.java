package elms.server.http;

import elms.engine.text.Message;
import elms.planner.Limit;
import elms.planner.Slo;
import elms.server.http.Guard.Caller;
import elms.service.AppProfile;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.util.List;
import java.util.Optional;

/** Profiles of apps in other processes: {@code /elms/v1/apps/{name}}. With a key, an app sees and changes its own alone. */
final class AppRoutes implements HttpService {
    private static final int MOST = 1024;

    private final ModelHost host;
    private final Apps apps;

    AppRoutes(ModelHost host, Apps apps) {
        this.host = host;
        this.apps = apps;
    }

    /** A profile as it is sent. */
    record Profile(String name, Bounds slo, List<Turn> system, int priority, int quota, double toolsMinLevel,
            boolean publicCache) {
        /** Latencies in the form of the command line. */
        record Bounds(Optional<String> ttft, Optional<String> tpot) {}

        /** A message of the system prompt. */
        record Turn(String role, String content) {}

        static Profile of(AppProfile profile) {
            return new Profile(profile.name(), new Bounds(profile.slo().ttft().map(Profile::text), profile.slo().tpot()
                    .map(Profile::text)),
                    profile.system().stream().map(message -> new Turn(message.role(), message.content())).toList(),
                    profile.priority(),
                    profile.quota(), profile.toolsMinLevel(), profile.publicCache());
        }

        private static String text(Limit limit) {
            return switch (limit) {
                case Limit.Time time -> time.millis() + "ms";
                case Limit.Ratio ratio -> String.valueOf(ratio.share());
            };
        }
    }

    @Override
    public void routing(HttpRules rules) {
        rules.get("/elms/v1/apps", this::list).get("/elms/v1/apps/{name}", this::get)
                .put("/elms/v1/apps/{name}", this::put).delete("/elms/v1/apps/{name}", this::delete);
    }

    private void list(ServerRequest from, ServerResponse to) {
        Caller caller = Caller.of(from);
        send(to, apps.all().stream().filter(profile -> !caller.hasKey() || profile.name().equals(caller.app())).map(Profile::of)
                .toList());
    }

    private void get(ServerRequest from, ServerResponse to) {
        String name = ownName(from);
        if (!apps.has(name)) {
            throw noApp(name);
        }
        send(to, Profile.of(apps.profile(name)));
    }

    private void put(ServerRequest from, ServerResponse to) {
        AppProfile profile = read(ownName(from), Fields.of(ClientConnection.of(from).body(from)));
        apps.put(profile);
        host.loaded().ifPresent(model -> model.binding(profile));
        send(to, Profile.of(profile));
    }

    private void delete(ServerRequest from, ServerResponse to) {
        String name = ownName(from);
        if (!apps.remove(name)) {
            throw noApp(name);
        }
        host.loaded().ifPresent(model -> model.unbind(name));
        to.status(Status.NO_CONTENT_204).send();
    }

    private static AppProfile read(String name, Fields body) {
        AppProfile usual = AppProfile.of(name);
        List<Message> system = body.node("system").isTextual() ? List.of(Message.system(body.requiredText("system")))
                : ChatMessages.read(body, "system");
        return new AppProfile(name, body.object("slo").map(SloFields::slo).orElse(Slo.NONE),
                AnswerShape.instruct(system, AnswerShape.tools(body)),
                body.integer("priority", -MOST, MOST).orElse(usual.priority()), body.integer("quota", 0, MOST)
                .orElse(usual.quota()),
                body.number("tools_min_level", 0, 1).orElse(usual.toolsMinLevel()), body.flag("public_cache",
                usual.publicCache()));
    }

    private static String ownName(ServerRequest from) {
        String name = AppProfile.of(from.path().pathParameters().get("name")).name();
        Caller caller = Caller.of(from);
        if (caller.hasKey() && !caller.app().equals(name)) {
            throw ApiException.of(Status.FORBIDDEN_403, "foreign_app", "this key is of another app than '" + name + "'");
        }
        return name;
    }

    private static ApiException noApp(String name) {
        return ApiException.of(Status.NOT_FOUND_404, "app_not_found", "there is no app '" + name + "'; PUT its profile first");
    }

    private static void send(ServerResponse to, Object document) {
        to.header(HeaderValues.CONTENT_TYPE_JSON).send(Json.write(document));
    }
}
