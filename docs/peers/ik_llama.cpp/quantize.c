// Requantizes a GGUF, so that engines are compared at equal bits: what `elms bench --against` calls (docs/benchmarks.md).
// usage: quantize IN OUT q4_0|q4_1|q8_0
#include "llama.h"
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        enum llama_ftype type;
    } FORMATS[] = {{"q4_0", LLAMA_FTYPE_MOSTLY_Q4_0}, {"q4_1", LLAMA_FTYPE_MOSTLY_Q4_1}, {"q8_0", LLAMA_FTYPE_MOSTLY_Q8_0}};
    for (size_t i = 0; argc == 4 && i < sizeof FORMATS / sizeof *FORMATS; i++) {
        if (strcmp(argv[3], FORMATS[i].name) == 0) {
            struct llama_model_quantize_params params = llama_model_quantize_default_params();
            params.allow_requantize = true;
            params.ftype = FORMATS[i].type;
            return (int)llama_model_quantize(argv[1], argv[2], &params);
        }
    }
    fprintf(stderr, "usage: quantize IN OUT q4_0|q4_1|q8_0\n");
    return 2;
}
