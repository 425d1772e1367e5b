#!/usr/bin/env bash
# make levels: everything is built by gcc and clang at -O0 to -O3, without a
# warning, and the unit tests and the replays pass each time.  Undefined
# behaviour that one of them makes use of shows; a last build traps where
# there is any.
#
#	COMPILERS="gcc clang" LEVELS="0 1 2 3" JOBS=2
set -euo pipefail
: "${BUILD:?the build directory}" "${srcdir:?the source tree}"
: "${UNIT_TESTS:?the tests}" "${COMPILERS=gcc clang}" "${LEVELS=0 1 2 3}"
: "${JOBS:=$(nproc)}"
unset MAKEFLAGS MFLAGS MAKELEVEL
dir=$BUILD/build-levels
log=$BUILD/levels.log
failed=0

# level NAME COMPILER CFLAGS: one build, one row of the table.
level() {
	local began=$SECONDS result passed=0
	rm -rf "$dir"
	mkdir -p "$dir"
	cd "$dir"
	if ! { "$srcdir/configure" -q --enable-werror CC="$2" CFLAGS="$3" &&
		make -s -j"$JOBS" && make -s -j"$JOBS" check TESTS=; } \
		>"$log" 2>&1; then
		result="is not built"
	elif make -s -j"$JOBS" check TESTS="$UNIT_TESTS" >"$log" 2>&1; then
		result=passes
	else
		result=fails
	fi
	passed=$(find . -name '*.trs' -exec cat {} + |
		grep -c '^:test-result: PASS' || true)
	printf '%-16s %-13s %4d tests, %4d s\n' "$1" "$result" "$passed" \
		"$((SECONDS - began))"
	if [ "$result" != passes ] || [ "$passed" -eq 0 ]; then
		failed=1
		grep -vE "^  (CC|AR)" "$log" | tail -n 40
	fi
}

for compiler in $COMPILERS; do
	for n in $LEVELS; do
		level "$compiler -O$n" "$compiler" "-g -O$n"
	done
done
[ -z "${TRAP=yes}" ] || level "clang -O2 traps" clang \
	"-g -O2 -fno-wrapv -fsanitize=undefined -fsanitize-trap=undefined"
rm -rf "$dir"
exit "$failed"
