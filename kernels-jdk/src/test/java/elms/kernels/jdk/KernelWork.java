package elms.kernels.jdk;

import elms.kernels.Adapter;
import elms.kernels.Form;
import elms.kernels.KeyValues;
import elms.kernels.Kernels;
import elms.kernels.Kernels.Product;
import elms.kernels.Matrix;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Kernels at the sizes of SmolLM2-135M, for a chunk of a prompt and for one token. Weights and caches are cycled through more
 * memory than any processor caches, as layers are.
 */
public enum KernelWork {
    MATMUL_PREFILL_Q4(Kind.MATMUL, Form.Q4, 256),
    MATMUL_PREFILL_Q8(Kind.MATMUL, Form.Q8, 256),
    GATED_PREFILL_Q4(Kind.GATED, Form.Q4, 256),
    GATED_PREFILL_Q8(Kind.GATED, Form.Q8, 256),
    ADD_PREFILL_Q4(Kind.ADD, Form.Q4, 256),
    ADD_PREFILL_Q8(Kind.ADD, Form.Q8, 256),
    ADAPT_PREFILL(Kind.ADAPT, Form.Q8, 256),
    ATTENTION_PREFILL(Kind.ATTENTION, Form.F32, 256),
    NORM_PREFILL(Kind.NORM, Form.F32, 256),
    MATMUL_DECODE_Q4(Kind.MATMUL, Form.Q4, 1),
    MATMUL_DECODE_Q8(Kind.MATMUL, Form.Q8, 1),
    GATED_DECODE_Q4(Kind.GATED, Form.Q4, 1),
    GATED_DECODE_Q8(Kind.GATED, Form.Q8, 1),
    ADD_DECODE_Q4(Kind.ADD, Form.Q4, 1),
    ADD_DECODE_Q8(Kind.ADD, Form.Q8, 1),
    HEAD_DECODE_Q4(Kind.HEAD, Form.Q4, 1),
    HEAD_DECODE_Q8(Kind.HEAD, Form.Q8, 1),
    ADAPT_DECODE(Kind.ADAPT, Form.Q8, 1),
    ATTENTION_DECODE(Kind.ATTENTION, Form.F32, 1),
    NORM_DECODE(Kind.NORM, Form.F32, 1);

    /** MATMUL: queries, keys and values; ADD: down; ADAPT: beside it; HEAD: the vocabulary; ATTENTION: to the end of a context of 512. */
    enum Kind { MATMUL, GATED, ADD, ADAPT, HEAD, ATTENTION, NORM }

    private static final int WIDTH = 576;
    private static final int NEURONS = 1536;
    private static final int RANK = 16;
    private static final int HEADS = 9;
    private static final int KV_HEADS = 3;
    private static final int HEAD_DIM = 64;
    private static final int VOCABULARY = 49152;
    private static final int CONTEXT = 512;
    private static final long CYCLED_BYTES = 256L << 20;

    final Kind kind;
    private final Form form;
    final int tokens;

    KernelWork(Kind kind, Form form, int tokens) {
        this.kind = kind;
        this.form = form;
        this.tokens = tokens;
    }

    /** Products of one call; those of activations in two terms count once. */
    long products() {
        return switch (kind) {
            case ATTENTION -> IntStream.rangeClosed(CONTEXT - tokens + 1, CONTEXT).asLongStream().sum() * 2 * HEADS * HEAD_DIM;
            case NORM -> 0;
            case ADAPT -> (long) RANK * (NEURONS + WIDTH) * tokens;
            default -> shapes().stream().mapToLong(shape -> (long) shape[0] * shape[1] * tokens).sum();
        };
    }

    /** Bytes of weights or of cache that one call reads. */
    long bytes(Provider provider) {
        return switch (kind) {
            case ATTENTION -> 2L * KV_HEADS * HEAD_DIM * CONTEXT * (provider == Provider.NATIVE ? Short.BYTES : Float.BYTES);
            case NORM -> 0;
            case ADAPT -> (long) RANK * (NEURONS + WIDTH);
            default -> shapes().stream().mapToLong(shape -> Matrix.packedBytes(form, shape[0], shape[1])).sum();
        };
    }

    /** Rows and columns of the matrices of one call. */
    private List<int[]> shapes() {
        return switch (kind) {
            case MATMUL -> List.of(new int[] {WIDTH, WIDTH}, new int[] {KV_HEADS * HEAD_DIM, WIDTH}, new int[] {KV_HEADS * HEAD_DIM, WIDTH});
            case GATED -> List.of(new int[] {NEURONS, WIDTH}, new int[] {NEURONS, WIDTH});
            case ADD -> List.of(new int[] {WIDTH, NEURONS});
            case HEAD -> List.of(new int[] {VOCABULARY, WIDTH});
            default -> List.of();
        };
    }

    /** Calls to make in turn, on data of their own. */
    List<Runnable> calls(Kernels kernels) {
        RandomData random = new RandomData(1);
        return switch (kind) {
            case ATTENTION -> attention(kernels, random);
            case NORM -> norm(kernels, random);
            case ADAPT -> adapt(kernels, random);
            default -> matrices(kernels, random);
        };
    }

    private List<Runnable> norm(Kernels kernels, RandomData random) {
        float[] x = random.floats(tokens * WIDTH, 1);
        float[] weight = random.floats(WIDTH, 1);
        float[] out = new float[x.length];
        return List.of(() -> kernels.rmsNorm(x, tokens, weight, 1e-5f, out));
    }

    private List<Runnable> adapt(Kernels kernels, RandomData random) {
        float[][] down = new float[RANK][];
        float[][] up = new float[RANK][];
        Arrays.setAll(down, k -> random.floats(NEURONS, 1));
        Arrays.setAll(up, k -> random.floats(WIDTH, 1));
        float[] x = random.floats(tokens * NEURONS, 1);
        float[] y = new float[tokens * WIDTH];
        return cycle(() -> {
            Adapter adapter = Adapter.of(down, up, new float[WIDTH]);
            return () -> kernels.adapt(x, tokens, adapter, y);
        });
    }

    private List<Runnable> attention(Kernels kernels, RandomData random) {
        float[] queries = random.floats(tokens * HEADS * HEAD_DIM, 1);
        float[] keys = random.floats(CONTEXT * KV_HEADS * HEAD_DIM, 1);
        float[] out = new float[queries.length];
        int[] kvHeadOf = IntStream.range(0, HEADS).map(head -> head * KV_HEADS / HEADS).toArray();
        return cycle(() -> {
            KeyValues cache = kernels.newCache(KV_HEADS, HEAD_DIM);
            cache.append(keys, keys, CONTEXT);
            return () -> kernels.attention(queries, tokens, kvHeadOf, cache, out);
        });
    }

    private List<Runnable> matrices(Kernels kernels, RandomData random) {
        List<Matrix> first = shapes().stream().map(shape -> random.matrix(form, shape[0], shape[1])).toList();
        float[] x = random.floats(tokens * first.getFirst().columns(), 1);
        List<float[]> out = first.stream().map(matrix -> new float[tokens * matrix.rows()]).toList();
        return cycle(() -> {
            List<Matrix> w = first.stream().map(KernelWork::copy).toList();
            if (kind == Kind.GATED) {
                return () -> kernels.gatedMatmul(x, tokens, w.get(0), w.get(1), out.getFirst());
            }
            if (kind == Kind.ADD) {
                return () -> kernels.matmulAdd(x, tokens, w.getFirst(), out.getFirst());
            }
            Product[] products = IntStream.range(0, w.size()).mapToObj(i -> new Product(w.get(i), out.get(i))).toArray(Product[]::new);
            return () -> kernels.matmul(x, tokens, products);
        });
    }

    private List<Runnable> cycle(Supplier<Runnable> call) {
        return new ArrayList<>(Stream.generate(call).limit(Math.ceilDiv(CYCLED_BYTES, bytes(Provider.NATIVE))).toList());
    }

    private static Matrix copy(Matrix matrix) {
        ByteBuffer data = ByteBuffer.allocateDirect(matrix.data().capacity());
        data.put(matrix.data().duplicate().clear());
        return new Matrix(matrix.form(), matrix.rows(), matrix.columns(), matrix.panelBlocks(), data.clear());
    }
}
