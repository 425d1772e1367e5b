#!/bin/sh
# Every header begins with a comment, and every prototype in it stands under
# one: alone, or in a group without a blank line that has one at its head.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

find include src client -name '*.h' | sort >"$tmp/headers"
while read -r header; do
	awk -v file="$header" '
	FNR == 1 && !/^\/\*/ { print "bad " file ":1: no comment begins it" }
	comment { if (/\*\//) { comment = 0; covered = 1 } next }
	more { more = /\\$/; next }
	/^#/ { more = /\\$/; next }
	/^extern "C"/ { next }
	/^[ \t]*$/ { if (statement == "") covered = 0; next }
	depth > 0 {
		depth += gsub(/[{]/, "") - gsub(/[}]/, "")
		next
	}
	statement == "" && /^[ \t]*\/\*/ {
		if (/\*\//)
			covered = 1
		else
			comment = 1
		next
	}
	{
		text = $0
		sub(/\/\*.*$/, "", text)
		if (statement == "")
			at = FNR
		statement = statement " " text
		if (text !~ /[;{]/)
			next
		if (statement ~ /[(]/ && statement !~ /^ *typedef/ &&
		    statement !~ /^ *_Static_assert/ &&
		    statement !~ /^ *(struct|enum|union) *[a-z_]* *[{]/) {
			print "ok"
			if (!covered)
				print "bad " file ":" at \
				    ": no comment above" statement
		}
		depth += gsub(/[{]/, "", text) - gsub(/[}]/, "", text)
		if (depth < 0)
			depth = 0
		statement = ""
	}' "$header"
done <"$tmp/headers" >"$tmp/found"
sed -n 's/^bad //p' "$tmp/found" | bad_lines
finish "$(grep -c '^ok' "$tmp/found") prototypes in $(wc -l <"$tmp/headers") headers"
