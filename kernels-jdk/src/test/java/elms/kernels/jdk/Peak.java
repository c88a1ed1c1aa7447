package elms.kernels.jdk;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import elms.kernels.Workers;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What this machine can do at most on a number of threads, by the loops of src/test/peak: the best of some runs.
 *
 * @param integers products a second of 8-bit integers
 * @param floats products a second of floats
 * @param tiles products a second in tiles of bfloat16; 0 on a machine without them
 * @param bandwidth bytes a second read from memory
 */
record Peak(double integers, double floats, double tiles, double bandwidth) {
    /** Runs of some 20 ms, so that a thread which wakes late still takes its part. */
    private static final int RUNS = 30;
    private static final int REPEATS = 1_000_000;
    private static final long READ_BYTES = 1L << 30;
    private static final long SCRATCH_BYTES = 1 << 16;

    @FunctionalInterface
    private interface Loop {
        void run(int thread) throws Throwable;
    }

    static Peak measure(Path library, int threads) {
        try (Arena arena = Arena.ofShared(); Workers workers = new Workers(threads)) {
            SymbolLookup symbols = SymbolLookup.libraryLookup(library, arena);
            MethodHandle integers = loop(symbols, "peak_integers");
            MethodHandle floats = loop(symbols, "peak_floats");
            MethodHandle read = Linker.nativeLinker().downcallHandle(symbols.findOrThrow("peak_read"),
                    FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, ADDRESS));
            MemorySegment[] scratch = new MemorySegment[threads];
            MemorySegment[] data = new MemorySegment[threads];
            for (int i = 0; i < threads; i++) {
                scratch[i] = arena.allocate(3 * SCRATCH_BYTES, 64);
                MemorySegment.copy(MemorySegment.ofArray(new RandomData(i).floats((int) SCRATCH_BYTES / 2, 1)), JAVA_FLOAT, 0,
                        scratch[i], JAVA_FLOAT, 0, SCRATCH_BYTES / 2);
                data[i] = arena.allocate(READ_BYTES / threads / 1024 * 1024, 64).fill((byte) i);
            }
            Loop multiply = i -> integers.invoke(scratch[i], at(scratch[i], 1), (long) REPEATS / 10, at(scratch[i], 2));
            Loop multiplyFloats = i -> floats.invoke(scratch[i], at(scratch[i], 1), (long) REPEATS, at(scratch[i], 2));
            long tileProducts = products(symbols, "peak_tiles_products");
            Optional<MethodHandle> tiles = tileProducts == 0 ? Optional.empty() : Optional.of(loop(symbols, "peak_tiles_multiply"));
            Loop multiplyTiles = i -> tiles.orElseThrow().invoke(scratch[i], at(scratch[i], 1), (long) REPEATS / 10, at(scratch[i], 2));
            Loop readAll = i -> read.invoke(data[i], data[i].byteSize(), scratch[i]);
            return new Peak(best(workers, multiply, REPEATS / 10 * products(symbols, "peak_integer_products")),
                    best(workers, multiplyFloats, REPEATS * products(symbols, "peak_float_products")),
                    tiles.isEmpty() ? 0 : best(workers, multiplyTiles, REPEATS / 10 * tileProducts),
                    best(workers, readAll, data[0].byteSize()));
        }
    }

    /** The better of two measurements, figure by figure: something else may have kept the machine busy. */
    Peak orBetter(Peak other) {
        return new Peak(Math.max(integers, other.integers), Math.max(floats, other.floats), Math.max(tiles, other.tiles),
                Math.max(bandwidth, other.bandwidth));
    }

    private static MemorySegment at(MemorySegment scratch, int part) {
        return scratch.asSlice(part * SCRATCH_BYTES, SCRATCH_BYTES);
    }

    private static MethodHandle loop(SymbolLookup symbols, String name) {
        return Linker.nativeLinker().downcallHandle(symbols.findOrThrow(name),
                FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
    }

    private static long products(SymbolLookup symbols, String name) {
        try {
            return (long) Linker.nativeLinker().downcallHandle(symbols.findOrThrow(name), FunctionDescriptor.of(JAVA_LONG)).invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** The most work a second, where every thread does {@code work} in a run. */
    private static double best(Workers workers, Loop loop, long work) {
        double best = 0;
        for (int run = 0; run < RUNS; run++) {
            long start = System.nanoTime();
            workers.run(workers.count(), (thread, worker) -> {
                try {
                    loop.run(thread);
                } catch (Throwable e) {
                    throw new IllegalStateException(e);
                }
            });
            best = Math.max(best, work * workers.count() * 1e9 / (System.nanoTime() - start));
        }
        return best;
    }
}
