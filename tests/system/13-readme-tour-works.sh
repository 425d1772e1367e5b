#!/bin/bash
# The commands of README.md's tour, and of its chapters on keys, do what it says:
# each one succeeds, and the reader's "get" is denied.
set -eu

if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: the tour runs as root"
	exit 77
fi
: "${srcdir:?}" "${BUILD:?}"

# Port 2222 of the chapter on SSH is free in a network of its own.
if [ -z "${IN_NETWORK:-}" ]; then
	export IN_NETWORK=1
	exec unshare --net python3 -B -c 'import os, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
import sshplace
sshplace.loopback_up()
os.execvp("bash", ["bash"] + sys.argv[1:])' "$0" "$@"
fi

dir=$(mktemp -d "${COFRE_TEST_DIR:-/tmp}/cofre-tour.XXXXXX")
chmod 755 "$dir"
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

# tour HEADING DIRECTORY: run the indented lines of a section, up to a program
# in C, in a script that ends at the first command that fails; a line that ends
# in a backslash goes together with the next one.
tour()
{
	awk -v heading="$1" '
	/^## / { inside = $0 == heading }
	/^In C it is:/ { inside = 0 }
	inside && /^    / {
		line = line substr($0, 5)
		if (sub(/\\$/, "", line))
			next
		print line
		line = ""
	}' "$srcdir/README.md" | sed "s,/tmp/$2,$dir/$2,g" >"$dir/commands"
	{
		cat <<-'END'
		set -euo pipefail
		trap 'code=$?; kill $(jobs -p) 2>/dev/null || :; wait; exit $code' EXIT
		denied() {
			code=0
			"$@" || code=$?
			[ "$code" -eq 5 ] || { echo "not denied: $*"; exit 1; }
			echo "(denied, as it must be)"
		}
		END
		sed -e "s,^cd build-demo\$,cd \"\$BUILD\"," \
		    -e '/^setpriv --reuid 2002 .* get /s/^/denied /' \
			"$dir/commands"
		echo 'echo "the tour is over"'
	} >"$dir/tour.sh"
	grep -qx "cd \"\$BUILD\"" "$dir/tour.sh"

	code=0
	timeout -k 5 100 bash -x "$dir/tour.sh" </dev/null >"$dir/said" 2>&1 ||
		code=$?
	cat "$dir/said"
	if [ "$code" -ne 0 ] || ! grep -qx 'the tour is over' "$dir/said"; then
		echo "FAILED: $1 ended with $code"
		exit 1
	fi
	echo "$1: $(grep -c . "$dir/commands") lines were run"
}

tour "## A tour of five minutes" tour
[ "$(grep -c '^denied setpriv' "$dir/tour.sh")" -eq 1 ]
tour "## Keeping keys up to date" keys
if [ ! -x /usr/sbin/sshd ] || ! command -v ssh-keyscan >/dev/null; then
	echo "skipped: the chapter on SSH: sshd is not installed"
	exit 77
fi
tour "## SSH keys that never leave" ssh
grep -qx "version 2 is the key of ml-prod/gpu now" "$dir/said"
[ "$(grep -cx root "$dir/said")" -eq 3 ]
