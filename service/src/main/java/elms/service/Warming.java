package elms.service;

import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.planner.Plan.Span;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * Fills the prefix cache with the beginnings of apps' prompts while there is nothing else to do, a small piece at a time, so
 * that who comes meanwhile hardly waits. The full model reads them, since what is ready costs a request nothing. For the engine's
 * thread.
 */
final class Warming implements AutoCloseable {
    private static final int CHUNK = 32;

    private record Beginning(AppProfile app, int[] ids, KvCache cache) {}

    private final Transformer transformer;
    private final SubModel full;
    private final PrefixCache prefixes;
    private final Deque<Beginning> cold = new ArrayDeque<>();

    Warming(Transformer transformer, SubModel full, PrefixCache prefixes) {
        this.transformer = transformer;
        this.full = full;
        this.prefixes = prefixes;
    }

    void add(AppProfile app, int[] ids) {
        cold.add(new Beginning(app, ids, transformer.newCache(ids.length)));
    }

    void forget(String app) {
        for (Beginning beginning : List.copyOf(cold)) {
            if (beginning.app().name().equals(app)) {
                cold.remove(beginning);
                beginning.cache().close();
            }
        }
    }

    boolean done() {
        return cold.isEmpty();
    }

    /** Reads the next piece, if there is one. */
    void advance() {
        if (done()) {
            return;
        }
        Beginning beginning = cold.element();
        int read = beginning.cache().length();
        int[] ids = beginning.ids();
        transformer.read(Arrays.copyOfRange(ids, read, Math.min(ids.length, read + CHUNK)), full, beginning.cache());
        if (beginning.cache().length() == ids.length) {
            prefixes.keep(beginning.app(), List.of(new Span(ids, full)), beginning.cache());
            cold.remove();
        }
    }

    @Override
    public void close() {
        cold.forEach(beginning -> beginning.cache().close());
        cold.clear();
    }
}
