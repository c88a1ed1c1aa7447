#!/usr/bin/env bash
# Builds ik_llama.cpp and the two programs beside this file, the peer of `elms bench --against DIR`; a quarter of an hour on two cores.
# usage: build.sh SOURCE DIR   (SOURCE: a checkout of ik_llama.cpp) -> DIR/bench and DIR/quantize
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); source=$(cd "$1" && pwd); dir=$(mkdir -p "$2" && cd "$2" && pwd)
cmake -S "$source" -B "$dir/build" -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF -DGGML_OPENMP=ON \
  -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_CURL=OFF > "$dir/cmake.log"
cmake --build "$dir/build" --target llama -j"$(nproc)" > "$dir/build.log" 2>&1
for program in bench quantize; do
  gcc -O2 -c "$here/$program.c" -I"$source/include" -I"$source/ggml/include" -o "$dir/$program.o"
  g++ "$dir/$program.o" -Wl,--start-group $(find "$dir/build" -name 'lib*.a') -Wl,--end-group -fopenmp -lpthread -ldl -lm -o "$dir/$program"
done
