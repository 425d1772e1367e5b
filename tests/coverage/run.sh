#!/usr/bin/env bash
# make coverage [JOBS=N]: run every test in a build that counts, print what
# of src/ and client/ they reach, and fail below the floors.
#
# In a build without --enable-coverage another one is made for it, with clang
# (COVERAGE_CC), in build-coverage below it.  The counters are in files that
# are mapped from a process's start (profile/ in the build directory), so that
# what is killed by a signal or by its sandbox has counted all the same.
set -eu
: "${BUILD:?the build directory}" "${srcdir:?the source tree}"
: "${COVERAGE_TESTS:?the tests}" "${COVERAGE_BUILD:?is this one yes or no}"
: "${JOBS:=4}" "${COVERAGE_CC:=clang}"

die() {
	printf 'coverage: %s\n' "$*" >&2
	exit 1
}

# The tools have the compiler's version in their names, or none.
version=$("$COVERAGE_CC" -dumpversion) || die "no $COVERAGE_CC: install clang"
tool() {
	command -v "$1-${version%%.*}" || command -v "$1" ||
		die "no $1: install llvm"
}
merge=$(tool llvm-profdata)
cov=$(tool llvm-cov)

if [ "$COVERAGE_BUILD" = no ]; then
	dir=$BUILD/build-coverage
	if [ ! -e "$dir/Makefile" ] ||
		[ "$srcdir/configure" -nt "$dir/Makefile" ]; then
		mkdir -p "$dir"
		(cd "$dir" && "$srcdir/configure" -q --enable-coverage \
			CC="$COVERAGE_CC" CFLAGS="-O1 -g")
	fi
	BUILD=$dir
fi
cd "$BUILD"
MAKEFLAGS='' make -s -j"$(nproc)" check TESTS= >coverage.log 2>&1 || {
	tail -n 20 coverage.log >&2
	exit 1
}

# Each program has one file of counters, which every user may have to write:
# so it is made here.
programs="cofre cofred client/sources/azure client/sources/docker
	client/sources/file client/sources/http"
rm -rf profile
mkdir -m 777 profile
(
	umask 0
	for p in $programs doc/examples/fetch doc/examples/put \
		doc/examples/run doc/examples/watch tests/system/attach \
		tests/system/holder tests/system/vaultkeys \
		tests/unit/source_program; do
		timeout 10 "./$p" --version </dev/null >/dev/null 2>&1 || true
	done
	chmod 666 profile/*
)

# Some reach next to nothing that others do not, and take a minute: what they
# look at is somewhere else. Those that take longest come first.
chosen=
for t in $COVERAGE_TESTS; do
	case ${t##*/} in
	05-* | 06-* | 09-* | 12-* | 37-* | 48-* | 49-* | 50-*) ;;
	43-* | 46-* | 51-* | 52-*) chosen="$t $chosen" ;;
	*) chosen="$chosen $t" ;;
	esac
done

status=0
MAKEFLAGS='' make -s -k -j"$JOBS" check TESTS="$chosen" \
	>coverage.log 2>&1 || status=$?
grep -E '^(FAIL|ERROR|SKIP):' coverage.log >&2 && status=1
if grep -rl --include='*.log' '^LLVM Profile' tests >&2; then
	die "these tests have counted nothing"
fi
[ "$status" -eq 0 ] || die "the tests fail: see coverage.log in $BUILD"

"$merge" merge -o coverage.profdata profile/*.profraw
objects=
for p in $programs .libs/libcofre.so; do
	objects="$objects -object $p"
done
# shellcheck disable=SC2086
"$cov" export $objects -instr-profile=coverage.profdata >coverage.json
python3 "$srcdir/tests/coverage/report.py" "$srcdir" coverage.json
