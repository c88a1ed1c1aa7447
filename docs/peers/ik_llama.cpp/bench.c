// Times ik_llama.cpp on one GGUF, weights repacked at load, flash attention on: what `elms bench --against` calls (docs/benchmarks.md).
// usage: bench MODEL THREADS PREFILL DECODE REPEATS
#include "llama.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void silent(enum ggml_log_level level, const char *text, void *user) {
    (void)level, (void)text, (void)user;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// What a sorted list of tokens a second says, as JSON.
static void print_spread(const char *name, double *speeds, int n) {
    qsort(speeds, n, sizeof *speeds, ascending);
    printf("\"%s\":{\"min\":%.1f,\"median\":%.1f,\"max\":%.1f}", name, speeds[0], speeds[n / 2], speeds[n - 1]);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: bench MODEL THREADS PREFILL DECODE REPEATS\n");
        return 2;
    }
    int threads = atoi(argv[2]), prefill = atoi(argv[3]), decode = atoi(argv[4]), repeats = atoi(argv[5]);
    llama_log_set(silent, NULL);
    llama_backend_init();
    struct llama_model_params how = llama_model_default_params();
    how.repack_tensors = true;
    how.use_mmap = false; // repacked weights are no longer the file's
    struct llama_model *model = llama_model_load_from_file(argv[1], how);
    if (model == NULL) {
        fprintf(stderr, "cannot load %s\n", argv[1]);
        return 1;
    }
    struct llama_context_params params = llama_context_default_params();
    params.n_ctx = prefill + decode + 8;
    params.n_batch = prefill > 512 ? prefill : 512;
    params.n_ubatch = 512;
    params.n_threads = params.n_threads_batch = threads;
    params.flash_attn = true;
    struct llama_context *context = llama_init_from_model(model, params);
    int vocabulary = llama_n_vocab(model);
    llama_token *tokens = malloc(sizeof *tokens * prefill);
    for (int i = 0; i < prefill; i++) {
        tokens[i] = 100 + (i * 7919) % (vocabulary - 200);
    }
    double *prefilled = malloc(sizeof(double) * repeats), *decoded = malloc(sizeof(double) * repeats);
    for (int r = -1; r < repeats; r++) { // the first round warms up
        llama_kv_cache_clear(context);
        double start = now();
        if (llama_decode(context, llama_batch_get_one(tokens, prefill, 0, 0))) {
            return 1;
        }
        llama_synchronize(context);
        double read = now();
        for (int i = 0; i < decode; i++) {
            llama_token next = tokens[i % prefill];
            if (llama_decode(context, llama_batch_get_one(&next, 1, prefill + i, 0))) {
                return 1;
            }
            llama_synchronize(context);
        }
        if (r >= 0) {
            prefilled[r] = prefill / (read - start);
            decoded[r] = decode / (now() - read);
        }
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"engine\":\"ik_llama.cpp\",\"threads\":%d,", threads);
    print_spread("prefill_tok_s", prefilled, repeats);
    printf(",");
    print_spread("decode_tok_s", decoded, repeats);
    printf(",\"peak_rss_mb\":%.1f}\n", usage.ru_maxrss / 1024.0);
    return 0;
}
