package elms.service;

import elms.engine.decode.KvCache;
import elms.engine.model.SubModel;
import elms.planner.Plan.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Keys and values of what was read before, for prompts that begin alike. Every app has a part of its own, and sees another's only
 * if both are public. Bounded in bytes: the app that takes most gives up what it has used least recently. For the engine's
 * thread.
 */
final class PrefixCache implements AutoCloseable {
    /** What a prompt has in common with an earlier one, still in the hands of the cache. */
    record Match(List<Span> spans, KvCache source) {
        int length() {
            return spans.stream().mapToInt(Span::length).sum();
        }
    }

    private static final class Entry {
        private final AppProfile app;
        private final int[] ids;
        /** The level that read each token. */
        private final SubModel[] levels;
        private final KvCache cache;
        private final long bytes;
        private long used;

        Entry(AppProfile app, List<Span> spans, KvCache cache) {
            this.app = app;
            this.cache = cache;
            bytes = cache.bytes();
            ids = spans.stream().flatMapToInt(span -> Arrays.stream(span.tokens())).toArray();
            levels = spans.stream().flatMap(span -> Collections.nCopies(span.length(), span.level()).stream())
                    .toArray(SubModel[]::new);
        }

        boolean visibleTo(AppProfile other) {
            return app.name().equals(other.name()) || app.publicCache() && other.publicCache();
        }

        /** Tokens that it has in common with a prompt, all read by usable levels. */
        int common(int[] prompt, Predicate<SubModel> usable) {
            int mismatch = Arrays.mismatch(ids, prompt);
            int common = mismatch < 0 ? ids.length : mismatch;
            for (int i = 0; i < common; i++) {
                if ((i == 0 || levels[i] != levels[i - 1]) && !usable.test(levels[i])) {
                    return i;
                }
            }
            return common;
        }

        boolean beginsWith(Entry other) {
            int length = other.ids.length;
            return ids.length >= length && Arrays.equals(ids, 0, length, other.ids, 0, length)
                    && Arrays.equals(levels, 0, length, other.levels, 0, length);
        }

        /** Its first tokens, those of one level together. */
        List<Span> spans(int length) {
            List<Span> spans = new ArrayList<>();
            int from = 0;
            for (int i = 1; i <= length; i++) {
                if (i == length || levels[i] != levels[from]) {
                    spans.add(new Span(Arrays.copyOfRange(ids, from, i), levels[from]));
                    from = i;
                }
            }
            return spans;
        }
    }

    private final long mostBytes;
    private final List<Entry> entries = new ArrayList<>();
    private long uses;

    PrefixCache(long mostBytes) {
        this.mostBytes = mostBytes;
    }

    /**
     * The longest beginning of a prompt that an app may find, never all of it: what follows the last token is not kept.
     *
     * @param usable levels that may have read it
     */
    Optional<Match> find(AppProfile app, int[] prompt, Predicate<SubModel> usable) {
        Entry best = null;
        int longest = 0;
        for (Entry entry : entries) {
            int common = entry.visibleTo(app) ? Math.min(entry.common(prompt, usable), prompt.length - 1) : 0;
            if (common > longest) {
                best = entry;
                longest = common;
            }
        }
        if (best == null) {
            return Optional.empty();
        }
        best.used = ++uses;
        return Optional.of(new Match(best.spans(longest), best.cache));
    }

    /** Keeps what an app had read, in place of earlier beginnings of the same. The cache is this object's from then on. */
    void keep(AppProfile app, List<Span> read, KvCache cache) {
        Entry added = new Entry(app, read, cache);
        added.used = ++uses;
        removeIf(entry -> entry.app.name().equals(app.name()) && added.beginsWith(entry));
        entries.add(added);
        while (bytes() > mostBytes) {
            Entry oldest = leastRecentlyUsedOf(largest());
            removeIf(entry -> entry == oldest);
        }
    }

    /** Forgets what an app has. */
    void forget(String app) {
        removeIf(entry -> entry.app.name().equals(app));
    }

    /** Memory in use; what entries share is counted for each. */
    long bytes() {
        return entries.stream().mapToLong(entry -> entry.bytes).sum();
    }

    int size() {
        return entries.size();
    }

    @Override
    public void close() {
        removeIf(entry -> true);
    }

    private String largest() {
        Map<String, Long> bytes = entries.stream().collect(Collectors.groupingBy(entry -> entry.app.name(),
                Collectors.summingLong(entry -> entry.bytes)));
        return bytes.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
    }

    private Entry leastRecentlyUsedOf(String app) {
        return entries.stream().filter(entry -> entry.app.name().equals(app)).min(Comparator.comparingLong(entry -> entry.used))
                .orElseThrow();
    }

    private void removeIf(Predicate<Entry> unwanted) {
        entries.removeIf(entry -> {
            boolean removed = unwanted.test(entry);
            if (removed) {
                entry.cache.close();
            }
            return removed;
        });
    }
}
