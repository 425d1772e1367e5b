#!/bin/sh
# doc/DESIGN.md has a place for every module of the daemon and of src/common.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

doc=doc/DESIGN.md
find src -name '*.[ch]' | sed 's/\.[ch]$//; s|.*/||' | sort -u |
	grep -v '^messages_' >"$tmp/modules"
awk -v doc=$doc '
FILENAME == ARGV[1] { text = text "\n" $0; next }
index(text, "`" $1 "`") == 0 {
	print doc ":1: `" $1 "` has no place in it"
}' $doc "$tmp/modules" | bad_lines
finish "$(wc -l <"$tmp/modules") modules in $doc"
