#!/usr/bin/env bash
# Every fuzz target takes every file of its corpus, in the ordinary build.
set -eu
: "${BUILD:?the build directory}" "${srcdir:?the source tree}"
for target in "$BUILD"/tests/fuzz/replay_*; do
	case $target in *.o) continue ;; esac
	name=${target##*/replay_}
	echo "replaying $name"
	"$target" "$srcdir/tests/fuzz/corpus/$name"
done
