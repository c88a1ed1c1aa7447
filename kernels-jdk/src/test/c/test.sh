#!/bin/sh
# test.sh FOLDER: builds the tests of the C kernels in FOLDER and runs them
#  - with the address and undefined-behaviour sanitizers, and as they are shipped, on this processor
#  - on older processors of this family, and on those of ARM, emulated by QEMU
# and shows that the libraries need no other library. What this machine has no tools for is skipped with a line that says so.
# Environment: CC as for build.sh, ELMS_ARM_CC (default: aarch64-linux-gnu-gcc).
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
kernels=../../main/c
cc=${CC:-$(command -v cc || command -v gcc || command -v clang || true)}
arm_cc=${ELMS_ARM_CC:-aarch64-linux-gnu-gcc}

skip() { echo "-- skipped: $*"; }
has() { command -v "$1" >/dev/null; }

# build NAME COMPILER COMPILER_FLAGS LINKER_FLAGS: FOLDER/NAME/parity, with every tier of the compiler's processor family
build() {
  # One object file instead of a shared library, so that a static program can hold it too.
  CC=$2 ELMS_CFLAGS=$3 ELMS_LDFLAGS='-r -nostdlib' "$kernels/build.sh" "$out/$1"
  # shellcheck disable=SC2086
  "$2" -std=gnu11 -O1 -g -Wall -Wextra -Werror $3 -I"$kernels" ./*.c "$out/$1"/linux-*/libelms.so $4 -lm -o "$out/$1/parity"
}

# emulate PROGRAM EMULATOR PROCESSOR [TIER...]: runs it as that processor, which must have these tiers and no others
emulate() {
  program=$out/$1/parity emulator=$2 processor=$3; shift 3
  echo "-- $emulator -cpu $processor"
  status=0
  "$emulator" -cpu "$processor" "$program" "$@" >"$out/output" 2>&1 || status=$?
  grep -v "TCG doesn't support requested feature" "$out/output" || true
  return $status
}

# independent NAME COMPILER: the library loads without any other
independent() {
  echo "-- dependencies of the library for $1"
  CC=$2 "$kernels/build.sh" "$out/$1"
  if readelf -Wd --dyn-syms "$out/$1"/linux-*/libelms.so | grep -E 'NEEDED|UND +[^ ]'; then
    echo "the library needs what is listed above" >&2
    return 1
  fi
  echo "none"
}

native() {
  if echo 'int main(void) { return 0; }' | "$cc" -fsanitize=address,undefined -xc - -o "$out/probe" 2>/dev/null && "$out/probe"; then
    echo "-- sanitizers"
    # Warnings are for the build that is shipped: instrumented code causes false ones.
    build sanitized "$cc" '-O1 -w -fsanitize=address,undefined -fno-sanitize-recover=all' ''
    ASAN_OPTIONS=detect_leaks=0 "$out/sanitized/parity"
  else
    skip "$cc has no sanitizers"
  fi
  echo "-- this processor"
  build native "$cc" -Werror ''
  "$out/native/parity"
}

older_x86() {
  if ! has qemu-x86_64; then skip "older x86 processors, without qemu-x86_64"; return; fi
  emulate native qemu-x86_64 Nehalem none
  emulate native qemu-x86_64 max
  if grep -q '^avx2: .* passed' "$out/output"; then emulate native qemu-x86_64 Haswell avx2
  else skip "AVX2, which this QEMU lacks"; fi
}

arm() {
  if ! has "$arm_cc"; then skip "ARM, without $arm_cc"; return; fi
  if has readelf; then independent arm-library "$arm_cc"; fi
  if ! has qemu-aarch64; then skip "ARM processors, without qemu-aarch64"; return; fi
  build arm "$arm_cc" -Werror -static
  emulate arm qemu-aarch64 cortex-a53 none
  emulate arm qemu-aarch64 cortex-a76 dotprod
  emulate arm qemu-aarch64 max dotprod i8mm
}

if [ -z "$cc" ]; then skip "the tests of the C kernels, without a C compiler"; exit; fi
case $("$cc" -dumpmachine) in
  x86_64*) native; older_x86 ;;
  aarch64*) native ;;
  *) skip "the C kernels, which do not know this processor" ;;
esac
if has readelf; then independent native-library "$cc"; else skip "dependencies of the libraries, without readelf"; fi
arm
