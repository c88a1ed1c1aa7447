package elms.server.http;

import elms.service.AppProfile;
import io.helidon.http.Status;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Profiles of the apps that use this server. They outlive the model's stay in memory. */
final class Apps {
    private static final int MOST = 256;

    private final Map<String, AppProfile> profiles = new TreeMap<>();

    /** The profile of an app; one that has none yet gets the usual one. */
    synchronized AppProfile profile(String app) {
        AppProfile known = profiles.get(app);
        if (known == null) {
            known = AppProfile.of(app);
            put(known);
        }
        return known;
    }

    synchronized void put(AppProfile profile) {
        if (!profiles.containsKey(profile.name()) && profiles.size() >= MOST) {
            throw ApiException.of(Status.TOO_MANY_REQUESTS_429, "too_many_apps",
                    "this server has " + MOST + " apps already; delete one first");
        }
        profiles.put(profile.name(), profile);
    }

    synchronized boolean has(String app) {
        return profiles.containsKey(app);
    }

    synchronized boolean remove(String app) {
        return profiles.remove(app) != null;
    }

    synchronized List<AppProfile> all() {
        return List.copyOf(profiles.values());
    }
}
