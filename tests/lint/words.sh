#!/bin/sh
# Nothing is left for later.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

find . \( -name .git -o -name 'build-*' -o -name autom4te.cache -o -name m4 \
	-o -name '.libs' -o -name '.deps' \) -prune -o -type f \
	\( -name '*.[ch1-8]' -o -name '*.def' -o -name '*.sh' -o -name '*.py' \
	-o -name '*.md' -o -name '*.am' -o -name '*.ac' -o -name '*.conf' \
	-o -name '*.map' -o -name '*.service' -o -name '*.socket' \
	-o -name bootstrap -o -path './.ci/run' \) -print |
	sed 's|^\./||' | grep -v '^tests/lint/words.sh$' | sort >"$tmp/files"
tr '\n' '\0' <"$tmp/files" | xargs -0 grep -nHwE 'TODO|FIXME|XXX|HACK' |
	sed 's/^\([^:]*:[0-9]*:\)/\1 left for later: /' | bad_lines
finish "$(wc -l <"$tmp/files") files"
