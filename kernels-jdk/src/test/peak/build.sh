#!/bin/sh
# build.sh FOLDER: compiles peak.c for this very machine into FOLDER/libpeak.so. Environment: CC (default: cc).
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
case $(uname -m) in x86_64) machine=-march=native ;; *) machine=-mcpu=native ;; esac
"${CC:-cc}" -std=gnu11 -O3 -Wall -fPIC -fno-math-errno "$machine" -DTIER=peak -I../../main/c -shared peak.c -o "$out/libpeak.so"
