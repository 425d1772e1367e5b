#!/bin/sh
# make bench: run tests/bench/bench in the build directory, which is the
# working directory, and clean up after it; before it signing.py, behind it
# resync.py.  As root the clients are another uid, as in use; it works without
# root too.
#
# BENCH_ROUNDS=n    rounds; 60.  A quick look: BENCH_ROUNDS=5
# BENCH_WRITE=path  write the report there as well, behind tests/bench/head.md,
#                   unless the run is void
# BENCH_DIR=dir     where to make a temporary directory: on a disk, because
#                   writes to it are measured; /var/tmp.  Takes about 1 GB,
#                   with BENCH_LARGE=1000000 about 3 GB.
# BENCH_SEED=n      the order of another run
# BENCH_SLICE_MS=n  length of a slice; 20
# BENCH_SECRETS=n   secrets in the vault; 1000
# BENCH_MANY=n      secrets in a second vault; 100000
# BENCH_LARGE=n     also measure a vault with so many secrets: 1000000
# BENCH_ONLY=1      neither signing.py nor resync.py
set -eu

for program in ./cofred ./tests/bench/bench; do
	if [ ! -x "$program" ]; then
		echo "bench: $program is not built: make bench" >&2
		exit 1
	fi
done
source=$(dirname "$0")
start=$(date +%s)

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

set -- --dir "$dir" --cofred ./cofred --least ./tests/bench/least \
	--signatures "$dir/signature"
if [ -x ./cofre ]; then
	set -- "$@" --cofre ./cofre
fi
for peer in redis:redis-server memcached:memcached custodia:custodia \
	redis-cli:redis-cli keyctl:keyctl; do
	if program=$(PATH="$PATH:/usr/sbin" command -v "${peer#*:}"); then
		set -- "$@" "--${peer%%:*}" "$program"
	else
		echo "bench: no ${peer#*:}, its rows stay empty:" \
			"make bench-peers" >&2
	fi
done

# part TITLE SCRIPT: what a script prints, as a part of the report.
part() {
	if ! python3 "$source/$2" > "$dir/part"; then
		cat "$dir/part" >&2
		exit 1
	fi
	{
		printf '## %s\n\n' "$1"
		sed -n 's/^/    /; /passed in/!p' "$dir/part"
		echo
	} > "$dir/${2%.py}.md"
}

touch "$dir/signing.md" "$dir/resync.md"
[ -n "${BENCH_ONLY:-}" ] ||
	SIGN_WRITE="$dir/signature" part "Signatures" signing.py
void=
./tests/bench/bench "$@" > "$dir/report" || {
	[ $? -eq 3 ] && void=yes
}
if [ ! -s "$dir/report" ]; then
	for log in "$dir"/*.log; do
		if [ -s "$log" ]; then
			echo "bench: the end of ${log##*/}:" >&2
			tail -n 5 "$log" >&2
		fi
	done
	exit 1
fi
[ -n "${BENCH_ONLY:-}" ] || part "Many new keys at once" resync.py
cat "$dir/signing.md" "$dir/resync.md" >> "$dir/report"
printf 'The whole took %d s.\n' "$(($(date +%s) - start))" >> "$dir/report"
cat "$dir/report"
[ -n "${BENCH_WRITE:-}" ] || exit 0
if [ -n "$void" ]; then
	echo "bench: the run is void: $BENCH_WRITE stays as it is" >&2
	exit 3
fi
{
	cat "$source/head.md"
	echo
	cat "$dir/report"
} > "$BENCH_WRITE"
