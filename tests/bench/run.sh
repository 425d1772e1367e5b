#!/bin/sh
# make bench: run tests/bench/bench in the build directory, which is the
# working directory, and clean up after it.  As root the clients are another
# uid, as in use; it works without root too.
#
# BENCH_ROUNDS=n    rounds; 60.  A quick look: BENCH_ROUNDS=5
# BENCH_WRITE=path  write the report there as well
# BENCH_DIR=dir     where to make a temporary directory: on a disk, because
#                   writes to it are measured; /var/tmp.  Takes about 600 MB.
# BENCH_SEED=n      the order of another run
# BENCH_SLICE_MS=n  length of a slice; 20
# BENCH_SECRETS=n   secrets in the vault; 1000
# BENCH_LARGE=n     also measure a vault with so many secrets, say 1000000
set -eu

for program in ./cofred ./tests/bench/bench; do
	if [ ! -x "$program" ]; then
		echo "bench: $program is not built: make bench" >&2
		exit 1
	fi
done

# The socket's path has to be short.
dir=$(mktemp -d "${BENCH_DIR:-/var/tmp}/cofre-bench.XXXXXX")
chmod 711 "$dir"

# End what bench could not end itself, by its id, if that is still it.
clean_up() {
	if [ -f "$dir/pids" ]; then
		while read -r pid; do
			if grep -qsF -e "$dir" "/proc/$pid/cmdline"; then
				kill -KILL "$pid" 2> /dev/null || :
			fi
		done < "$dir/pids"
	fi
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

set -- --dir "$dir" --cofred ./cofred
if [ -x ./cofre ]; then
	set -- "$@" --cofre ./cofre
fi
if redis=$(command -v redis-server); then
	set -- "$@" --redis "$redis"
else
	echo "bench: no redis-server; its columns stay empty" >&2
fi

if ! ./tests/bench/bench "$@" > "$dir/report"; then
	for log in "$dir"/*.log; do
		if [ -s "$log" ]; then
			echo "bench: the end of ${log##*/}:" >&2
			tail -n 5 "$log" >&2
		fi
	done
	exit 1
fi
cat "$dir/report"

if [ -n "${BENCH_WRITE:-}" ]; then
	{
		echo "# How fast cofre is"
		echo
		echo "Made by \`${BENCH_ROUNDS:+BENCH_ROUNDS=$BENCH_ROUNDS }make" \
		    "bench\`.  Times are of one machine at one time; ratios" \
		    "are inside one run.  How it measures: tests/bench/plan.h."
		echo
		cat "$dir/report"
	} > "$BENCH_WRITE"
fi
