#!/bin/sh
# doc/REQUIREMENTS.md has one row for each number, and the tests that it names
# are there, and run.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

doc=doc/REQUIREMENTS.md
wanted='7-46 66 79 104-106 112 120-125'

# "LINE TAB NUMBER TAB COUNT TAB WORD" for each row, "LINE TAB FILE TAB TEST"
# for each test that a row names.
awk -v rows="$tmp/rows" -v tests="$tmp/tests" -v bad="$tmp/bad" -v doc=$doc '
/^\| R[0-9]+ \|/ {
	if (split($0, cell, "|") != 5) {
		print doc ":" FNR ": a row has three cells" >>bad
		next
	}
	gsub(/[ R]/, "", cell[2])
	word = tolower(cell[3]) ~ /(^|[^a-z])(not yet|outside)([^a-z]|$)/
	count = 0
	while (match(cell[4], /`[^`]*`/)) {
		named = substr(cell[4], RSTART + 1, RLENGTH - 2)
		cell[4] = substr(cell[4], 1, RSTART - 1) \
		    substr(cell[4], RSTART + RLENGTH)
		at = index(named, ": ")
		if (named !~ /^tests\/(lint|system|unit|fuzz)\/[^ :]+: ./) {
			print doc ":" FNR ": \"" named \
			    "\" is not a test: \"FILE: TEST\"" >>bad
			continue
		}
		print FNR "\t" substr(named, 1, at - 1) "\t" \
		    substr(named, at + 2) >tests
		count++
	}
	if (cell[4] !~ /^[, ]*$/)
		print doc ":" FNR ": between the tests stands \"" cell[4] \
		    "\"" >>bad
	print FNR "\t" cell[2] "\t" count "\t" word >rows
}' $doc
touch "$tmp/rows" "$tmp/tests"

# Every number once; something in each row.
awk -F '\t' -v doc=$doc -v wanted="$wanted" '
BEGIN {
	n = split(wanted, range, " ")
	for (i = 1; i <= n; i++) {
		ends = split(range[i], end, "-")
		for (k = end[1]; k <= end[ends]; k++)
			due[k + 0] = 1
	}
}
!($2 in due) { print doc ":" $1 ": R" $2 " is not wanted here" }
$2 in at { print doc ":" $1 ": R" $2 " is in line " at[$2] " already" }
{ at[$2] = $1 }
$3 == 0 && !$4 {
	print doc ":" $1 ": R" $2 " has no test, and is not said to be " \
	    "\"not yet\" or \"outside\""
}
END {
	for (k in due)
		if (!(k in at))
			print doc ":1: R" k " has no row"
}' "$tmp/rows" | sort -t: -k2n | bad_lines

# The files that make check runs: the lists of Makefile.am.
awk '
/^(UNIT_TESTS|REPLAY_TESTS|SYSTEM_TESTS|LINTS) *=/ {
	inside = 1
	unit = /^UNIT/
	sub(/^[^=]*=/, "")
}
inside {
	for (i = 1; i <= NF; i++)
		if ($i ~ /^tests\//)
			print $i (unit ? ".c" : "")
	inside = /\\$/
}' Makefile.am >"$tmp/run"

# is_there FILE TEST: a unit test that is added to a case, a function of a
# system test or what it prints, or any text of another one.
is_there() {
	case $1 in
	tests/unit/*)
		grep -qxF "START_TEST($2)" "$1" && grep -qE \
			"^[[:space:]]+(tcase_add_[a-z_]+\([a-z]+, )?$2[,)]" "$1"
		;;
	*.py)
		grep -E '^def |show\(' "$1" >"$tmp/said" || return 1
		grep -qF -e "def $2(" -e "show(\"$2" "$tmp/said"
		;;
	*)
		grep -qF -e "$2" "$1"
		;;
	esac
}

while IFS='	' read -r line file test; do
	if [ ! -f "$file" ]; then
		bad $doc "$line" "$file is not there"
	elif ! grep -qxF "$file" "$tmp/run"; then
		bad $doc "$line" "$file is in no list of tests in Makefile.am"
	elif ! is_there "$file" "$test"; then
		bad $doc "$line" "$file has no test \"$test\""
	fi
done <"$tmp/tests"
finish "$(wc -l <"$tmp/rows") requirements and $(wc -l <"$tmp/tests") tests"
