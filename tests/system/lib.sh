# shellcheck shell=bash
# lib.sh: for system tests in shell.  A directory, one daemon at a time, and
# expectations.  Source it with "set -eu" in force; it cleans up at the end.
#
#	start [OPTION ...]	start cofred and wait until it is ready;
#				false when it ended instead
#	stop			end it in good order
#	refused WORDS [OPTION ...]	it must not start, and say WORDS
#	cofre ...		the command, on this daemon's socket
#	gives CODE COMMAND ...	the command's exit code must be CODE
#	has TEXT WORDS		TEXT must have WORDS in it
#
# What the daemon has said since its start is in $said, what the last
# "gives" printed in $out.

COFRED=$(realpath "${COFRED:-./cofred}")
COFRE=$(realpath "${COFRE:-./cofre}")

dir=$(mktemp -d "${COFRE_TEST_DIR:-/tmp}/cofre-system.XXXXXX")
chmod 755 "$dir"
state=$dir/state
socket=$dir/s
conf=$dir/conf
pid=
said=
out=
: >"$conf"
chmod 644 "$conf"
if [ "$(id -u)" -ne 0 ]; then
	# Nobody has uid 0 here: the test's own group is the operators'.
	echo "operator_group = $(id -g)" >"$conf"
fi
cp "$COFRE" "$dir/cofre"
unset NOTIFY_SOCKET LISTEN_PID LISTEN_FDS CREDENTIALS_DIRECTORY

cleanup()
{
	code=$?
	if [ -n "$pid" ]; then
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	fi
	rm -rf "$dir"
	exit "$code"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

fail()
{
	echo "FAILED: $*"
	echo "-- cofred has said:"
	printf '%s\n' "$said"
	exit 1
}

# The daemon says "ready" on standard error; its end is the end of the pipe.
start()
{
	said=
	rm -f "$dir/pipe"
	mkfifo "$dir/pipe"
	"$COFRED" --state "$state" --socket "$socket" --config "$conf" "$@" \
	    2>"$dir/pipe" </dev/null &
	pid=$!
	exec 9<"$dir/pipe"
	while IFS= read -r -t 30 line <&9; do
		said="$said$line
"
		[ "$line" != "cofred: ready" ] || return 0
	done
	return 1
}

# Take what it has said since it was ready.
listen()
{
	while IFS= read -r -t 0.01 line <&9; do
		said="$said$line
"
	done
}

stop()
{
	kill -TERM "$pid"
	code=0
	wait "$pid" || code=$?
	pid=
	listen
	[ "$code" -eq 0 ] || fail "cofred ended with $code"
}

refused()
{
	words=$1
	shift
	if start "$@"; then
		fail "cofred started, and should have said: $words"
	fi
	code=0
	wait "$pid" || code=$?
	pid=
	has "$said" "$words"
	if [ "$code" -eq 0 ] || [ "$code" -ge 126 ]; then
		fail "exit code $code"
	fi
	echo "refused: $(printf '%s' "$said" | tail -n 1)"
}

cofre()
{
	"$dir/cofre" --socket "$socket" "$@"
}

gives()
{
	want=$1
	shift
	code=0
	out=$("$@" 2>&1) || code=$?
	[ "$code" -eq "$want" ] || fail "$*: exit code $code, not $want: $out"
}

has()
{
	case $1 in
	*"$2"*) ;;
	*) fail "not there: '$2', in: $1" ;;
	esac
}
