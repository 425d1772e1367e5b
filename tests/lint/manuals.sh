#!/bin/sh
# mandoc has nothing to say about the manual pages.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

command -v mandoc >/dev/null || skip "mandoc is not installed"
pages=$(find doc -name '*.[1-8]' | sort)
# shellcheck disable=SC2086
mandoc -T lint -W warning $pages >"$tmp/said" || true
sed 's/^mandoc: //; s/^\([^:]*:[0-9]*\):[0-9]*: /\1: /' "$tmp/said" | bad_lines
finish "$(printf '%s\n' "$pages" | wc -l) manual pages"
