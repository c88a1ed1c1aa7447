#!/bin/sh
# build.sh FOLDER: compiles the loops of this folder for this very machine into FOLDER/libpeak.so. Environment: CC (default: cc).
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
case $(uname -m) in x86_64) machine=-march=native ;; *) machine=-mcpu=native ;; esac
compile() { # source flags...
  source=$1; shift
  "${CC:-cc}" -std=gnu11 -O3 -Wall -fPIC -fno-math-errno "$machine" "$@" -I../../main/c -c "$source.c" -o "$out/$source.o"
}
compile peak -DTIER=peak -U__AMX_BF16__
compile peak_tiles -DTIER=peak_tiles
"${CC:-cc}" -shared "$out/peak.o" "$out/peak_tiles.o" -o "$out/libpeak.so"
