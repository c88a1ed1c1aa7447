package elms.kernels.jdk;

import elms.kernels.Kernels;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One call of a kernel. Not part of the tests; {@link KernelBenchmarks} runs it. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgs = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx2g", "-XX:+UseSerialGC"})
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class KernelBenchmark {
    @Param
    KernelWork work;

    @Param({"NATIVE", "VECTOR"})
    Provider provider;

    private Kernels kernels;
    private List<Runnable> calls;
    private int next;

    @Setup(Level.Trial)
    public void prepare() throws ProviderUnavailableException {
        kernels = provider.start(Runtime.getRuntime().availableProcessors());
        calls = work.calls(work.tokens > 1 ? kernels.forPrompts() : kernels);
    }

    @Benchmark
    public void call() {
        calls.get(next).run();
        next = (next + 1) % calls.size();
    }

    @TearDown(Level.Trial)
    public void close() {
        kernels.close();
    }
}
