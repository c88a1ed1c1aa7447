package elms.kernels.jdk;

import elms.kernels.Placement;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.BitSet;

/**
 * Wakes workers on other processors than their caller's, on Linux. Left alone, a guest of a virtual machine monitor often wakes them on
 * that one: it takes a processor that sleeps for one that the monitor has taken away. Then two threads share one processor, until some
 * milliseconds later they are spread over both; as long as a whole short prompt takes. Once awake a worker may run anywhere again.
 */
final class WakeApart implements Placement {
    /** Processors that a set of them has room for, in the C library. */
    private static final int MOST_PROCESSORS = 1024;

    private final MethodHandle processor;
    private final MethodHandle thread;
    private final MethodHandle getAffinity;
    private final MethodHandle setAffinity;
    private final Seat[] seats;

    /** Where one worker may run. */
    private static final class Seat {
        final MemorySegment set = Arena.ofAuto().allocate(MOST_PROCESSORS / Byte.SIZE);
        int thread;
        BitSet usual = new BitSet();
        BitSet elsewhere = new BitSet();
        boolean confined;

        BitSet read() {
            return BitSet.valueOf(set.asByteBuffer());
        }

        MemorySegment written(BitSet processors) {
            set.fill((byte) 0).copyFrom(MemorySegment.ofArray(processors.toByteArray()));
            return set;
        }
    }

    private WakeApart(int workers, Linker linker) {
        SymbolLookup library = linker.defaultLookup();
        FunctionDescriptor number = FunctionDescriptor.of(ValueLayout.JAVA_INT);
        FunctionDescriptor affinity = FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG,
                ValueLayout.ADDRESS);
        processor = linker.downcallHandle(library.findOrThrow("sched_getcpu"), number);
        thread = linker.downcallHandle(library.findOrThrow("gettid"), number);
        getAffinity = linker.downcallHandle(library.findOrThrow("sched_getaffinity"), affinity);
        setAffinity = linker.downcallHandle(library.findOrThrow("sched_setaffinity"), affinity);
        seats = new Seat[workers];
        for (int worker = 0; worker < workers; worker++) {
            seats[worker] = new Seat();
        }
    }

    /** For a team of so many; leaves it to the system where there is nothing to choose from, or no way to. */
    static Placement of(int workers) {
        Linker linker = Linker.nativeLinker();
        boolean known = linker.defaultLookup().find("gettid").isPresent() && linker.defaultLookup().find("sched_getcpu").isPresent();
        return workers > 1 && known ? new WakeApart(workers, linker) : NONE;
    }

    @Override
    public void join(int worker) {
        seats[worker].thread = number(thread);
    }

    @Override
    public void wake(int worker) {
        Seat seat = seats[worker];
        synchronized (seat) {
            if (affinity(getAffinity, seat, seat.set) < 0) {
                return;
            }
            BitSet now = seat.read();
            if (!now.equals(seat.elsewhere)) {
                seat.usual = now;
            }
            BitSet elsewhere = (BitSet) seat.usual.clone();
            elsewhere.clear(number(processor));
            if (!elsewhere.isEmpty()) {
                seat.elsewhere = elsewhere;
                seat.confined = affinity(setAffinity, seat, seat.written(elsewhere)) == 0;
            }
        }
    }

    @Override
    public void awake(int worker) {
        Seat seat = seats[worker];
        synchronized (seat) {
            if (seat.confined) {
                affinity(setAffinity, seat, seat.written(seat.usual));
                seat.confined = false;
            }
        }
    }

    private static int number(MethodHandle function) {
        try {
            return (int) function.invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException("the C library cannot be called", e);
        }
    }

    private static int affinity(MethodHandle function, Seat seat, MemorySegment set) {
        try {
            return (int) function.invokeExact(seat.thread, set.byteSize(), set);
        } catch (Throwable e) {
            throw new IllegalStateException("the C library cannot be called", e);
        }
    }
}
