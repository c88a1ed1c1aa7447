#!/bin/sh
# build.sh FOLDER: compiles the C kernels, every tier of the compiler's processor family, into one shared library without a C
# library, FOLDER/linux-ARCHITECTURE/libelms.so. Does nothing if that is newer than the sources, or without a C compiler.
# A tier that the compiler does not know is left out. Environment: CC (default: the first of cc, gcc, clang), ELMS_CFLAGS and
# ELMS_LDFLAGS for instrumented builds.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
cc=${CC:-$(command -v cc || command -v gcc || command -v clang || true)}
if [ -z "$cc" ]; then
  echo "no C compiler was found: Elms will compute in Java" >&2
  exit
fi
machine=$("$cc" -dumpmachine)
out=$out/linux-${machine%%-*}/libelms.so
if [ -f "$out" ] && [ -z "$(find . -newer "$out")" ]; then exit; fi

knows() { "$cc" -Werror "$@" -xc -c /dev/null -o /dev/null 2>/dev/null; }

avx512vnni=-mavx512f_-mavx512bw_-mavx512vl_-mavx512dq_-mavx512vnni_-mfma_-mf16c_-mprefer-vector-width=512
case $machine in
  x86_64*) tiers='avx2:-mavx2_-mfma_-mf16c
    avxvnni:-mavx2_-mfma_-mf16c_-mavxvnni
    avx512vnni:'$avx512vnni'
    amx:'${avx512vnni}_-mavx512fp16_-mamx-tile_-mamx-bf16 ;;
  aarch64*) tiers='dotprod:-march=armv8.2-a+dotprod
    i8mm:-march=armv8.2-a+dotprod+i8mm'
    # GCC would load so far ahead of use that the registers overflow into memory. Clang does not, and does not know the option.
    if knows -fno-schedule-insns; then ELMS_CFLAGS="-fno-schedule-insns ${ELMS_CFLAGS:-}"; fi ;;
  *) echo "there are no C kernels for $machine: Elms will compute in Java" >&2; exit ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compile() { # object source flags...
  object=$1 source=$2; shift 2
  # shellcheck disable=SC2086
  "$cc" -std=gnu11 -O3 -Wall -Wextra -fPIC -fvisibility=hidden -ffreestanding -fno-builtin -fno-math-errno \
    -fno-stack-protector -fno-asynchronous-unwind-tables "$@" ${ELMS_CFLAGS:-} -c "$source" -o "$work/$object.o"
}
compile cpu cpu.c
for tier in $tiers; do
  name=${tier%%:*}
  flags=$(printf %s "${tier#*:}" | tr _ ' ')
  # shellcheck disable=SC2086
  knows $flags || { echo "$cc does not know the instructions of the tier $name: it is left out" >&2; continue; }
  for source in kernels attention; do
    # shellcheck disable=SC2086
    compile "$name-$source" $source.c -DTIER="$name" $flags
  done
done
mkdir -p "$(dirname "$out")"
"$cc" ${ELMS_LDFLAGS--shared -nostdlib -Wl,-z,noexecstack -Wl,--build-id=none -s} "$work"/*.o -o "$out.new"
mv "$out.new" "$out"
