#!/bin/sh
# The files that the documents name are there.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

documents=$(find README.md doc -name '*.md' -o -name '*.[1-8]' | sort)
# shellcheck disable=SC2086
grep -noE '(src|client|include|tests|doc)/[A-Za-z0-9_./-]+\.[a-z0-9]+' \
	/dev/null $documents | sed 's/[.]$//' | sort -u >"$tmp/named"
while IFS=: read -r document line path; do
	[ -e "$path" ] || bad "$document" "$line" "$path is not there"
done <"$tmp/named"
finish "$(wc -l <"$tmp/named") names of files in the documents"
