#!/bin/sh
# The scripts have nothing that shellcheck(1) warns of.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

command -v shellcheck >/dev/null || skip "shellcheck is not installed"
{
	find tests -name '*.sh'
	for script in bootstrap .ci/run client/sources/command; do
		[ ! -e "$script" ] || printf '%s\n' "$script"
	done
} | sort >"$tmp/scripts"
tr '\n' '\0' <"$tmp/scripts" | xargs -0 shellcheck -x -f gcc >"$tmp/said" ||
	true
sed 's/^\([^:]*:[0-9]*\):[0-9]*: /\1: /' "$tmp/said" | bad_lines
finish "$(wc -l <"$tmp/scripts") scripts"
