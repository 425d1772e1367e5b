#!/bin/sh
# No file over 450 lines, no function over 80.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

sources >"$tmp/files"
while read -r file; do
	awk -v file="$file" '
	/^[A-Za-z_][A-Za-z0-9_]*[(]/ { start = FNR }
	/^[{]/ { if (start == 0) start = FNR; body = 1 }
	/^[}]/ && body {
		lines = FNR - start + 1
		print "function " lines
		if (lines > 80)
			print "bad " file ":" start ": a function of " lines \
			    " lines, 80 are allowed"
		start = body = 0
	}
	END {
		if (FNR > 450)
			print "bad " file ":" FNR ": a file of " FNR \
			    " lines, 450 are allowed"
	}' "$file"
done <"$tmp/files" >"$tmp/found"
sed -n 's/^bad //p' "$tmp/found" | bad_lines
sed -n 's/^function //p' "$tmp/found" | sort -n >"$tmp/lengths"
count=$(wc -l <"$tmp/lengths")
median=$(sed -n "$(((count + 1) / 2))p" "$tmp/lengths")
finish "$(wc -l <"$tmp/files") files and $count functions (median $median lines)"
