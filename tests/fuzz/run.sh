#!/usr/bin/env bash
# make fuzz TIME=SECONDS [JOBS=N]: every fuzz target for so long, with its
# corpus and what earlier runs have found, and a table of what came of it.
#
# In a build that is not for fuzzing the targets are built in build-fuzz below
# it, with clang (FUZZ_CC).  found/ keeps inputs that reach something new,
# findings/ those that show a bug; with one of these the exit code is 1.
set -eu
: "${BUILD:?the build directory}" "${srcdir:?the source tree}"
: "${TIME:=30}" "${JOBS:=1}" "${FUZZ_CC:=clang}"
MOST=5 # findings of a target, after which it is left alone

# Configure and build what is not there yet.
build() {
	dir=$BUILD/build-fuzz
	if [ ! -e "$dir/Makefile" ] || [ "$srcdir/configure" -nt "$dir/Makefile" ]; then
		mkdir -p "$dir"
		(cd "$dir" && "$srcdir/configure" -q --enable-fuzz CC="$FUZZ_CC")
	fi
	MAKEFLAGS='' make -s -C "$dir" -j "$(nproc)" "$@" >"$BUILD/build-fuzz.log" 2>&1 || {
		tail -n 20 "$BUILD/build-fuzz.log" >&2
		exit 1
	}
}

# stat NAME FILE: a number of libFuzzer's statistics, or 0.
stat() {
	sed -n "s/^stat::$1: *\([0-9]*\).*/\1/p" "$2" | tail -n 1 | grep . ||
		echo 0
}

# last WHAT FILE: the number behind the last "WHAT: ", or 0.
last() {
	grep -o "$1: [0-9]*" "$2" | tail -n 1 | grep -o '[0-9]*' || echo 0
}

# Options that one target needs: of many features for each input libFuzzer
# would keep an account that takes longer than the inputs.
options() {
	case $1 in
	session | store) echo -entropic=0 -max_len=4096 ;;
	esac
}

# run PROGRAM: for TIME seconds, begun again after a finding; a row of the
# table is put into rows/NAME.
run() {
	local name=${1##*/fuzz_} log executions=0 findings=0 begin end
	log=$BUILD/findings/$name.log
	mkdir -p "$BUILD/found/$name"
	begin=$(date +%s)
	end=$((begin + TIME))
	while [ "$(date +%s)" -lt "$end" ] && [ "$findings" -lt "$MOST" ]; do
		# shellcheck disable=SC2046
		"$1" $(options "$name") -print_final_stats=1 -timeout=25 \
			-max_total_time="$((end - $(date +%s)))" \
			-artifact_prefix="$BUILD/findings/$name-" \
			"$BUILD/found/$name" "$srcdir/tests/fuzz/corpus/$name" \
			>"$log" 2>&1 || {
			findings=$((findings + 1))
			cp "$log" "$BUILD/findings/$name-$findings.log"
		}
		executions=$((executions + $(stat number_of_executed_units "$log")))
	done
	printf '%-14s %11d %8d %7d %7d %8d %9d\n' "$name" "$executions" \
		$((executions / ($(date +%s) - begin + 1))) \
		"$(last cov "$log")" \
		"$(grep -o '([0-9]* inline' "$log" | head -n 1 | grep -o '[0-9]*' || echo 0)" \
		"$(last ft "$log")" "$findings" >"$BUILD/findings/$name.row"
}

if [ "${1:-}" = one ]; then
	run "$2"
	exit 0
fi

if [ "${FUZZ_BUILD:-no}" = yes ]; then
	dir=$BUILD
else
	build "$@"
fi
rm -rf "$BUILD/findings"
mkdir -p "$BUILD/findings"
TMPDIR=$(mktemp -d /dev/shm/cofre-fuzz-run.XXXXXX 2>/dev/null || mktemp -d)
trap 'rm -rf "$TMPDIR"' EXIT
export TMPDIR BUILD srcdir TIME
for target; do
	printf '%s\n' "$dir/$target"
done | xargs -P "$JOBS" -n 1 bash "$0" one

printf '%-14s %11s %8s %7s %7s %8s %9s\n' target executions 'per s' edges of \
	features findings
sort "$BUILD"/findings/*.row
found=$(find "$BUILD/findings" -type f ! -name '*.row' ! -name '*.log')
logs=$(find "$BUILD/findings" -name '*-[0-9].log')
[ -n "$logs" ] || exit 0
printf 'findings:\n%s\n' "${found:-none was kept}"
printf 'what they say:\n%s\n' "$logs"
exit 1
