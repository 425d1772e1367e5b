#!/bin/sh
# What libcofre.so exports, what client/libcofre.map lets out, and what
# include/cofre.h declares is the same.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

header=include/cofre.h
map=client/libcofre.map

awk '
/^\/\*/ { comment = 1 }
!comment && match($0, /cofre_[a-z_]+[(]/) {
	print substr($0, RSTART, RLENGTH - 1) " " FNR
}
/\*\// { comment = 0 }' $header | sort >"$tmp/declared"
awk '/local:/ { exit } /^[ \t]+cofre_/ {
	gsub(/[ \t;]/, "")
	print $0 " " NR
}' $map | sort >"$tmp/let_out"

# differ A B FILE TEXT: names of A that are not in B.
differ() {
	awk -v file="$3" -v text="$4" '
	NR == FNR { has[$1] = 1; next }
	!($1 in has) { print file ":" ($2 == "" ? 1 : $2) ": " $1 " " text }
	' "$2" "$1" | bad_lines
}
differ "$tmp/declared" "$tmp/let_out" $header "is not in $map"
differ "$tmp/let_out" "$tmp/declared" $map "is not in $header"

build=${BUILD:-$here}
library=$build/.libs/libcofre.so
if [ -e "$library" ]; then
	nm -D --defined-only "$library" |
		awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
		sort >"$tmp/exported"
	differ "$tmp/declared" "$tmp/exported" $header "is not in libcofre.so"
	differ "$tmp/exported" "$tmp/declared" $map \
		"is exported, but not declared"
	what="header, map and libcofre.so"
else
	what="header and map (there is no libcofre.so in $build)"
fi
finish "$(wc -l <"$tmp/declared") functions: $what"
