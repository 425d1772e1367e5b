# shellcheck shell=sh
# What every lint begins with: where the tree is, and how a lint speaks.
#
# A lint is run by make check from any build directory, with srcdir naming
# the source tree.  It prints what it checked, and for each thing that is
# wrong a line "file:line: what"; it then exits with 1.  A lint that can't
# be run here exits with 77, which is automake's "skipped".
#
#	. "$(dirname "$0")/lint.sh"
#	bad src/conn.c 12 "what is wrong there"
#	finish "34 things"
set -eu
LC_ALL=C
export LC_ALL
# shellcheck disable=SC2034
here=$(pwd)
cd "${srcdir:-.}"

tmp=$(mktemp -d)
limits=$tmp/limits # what constants() printed, for messages()
trap 'rm -rf "$tmp"' EXIT
: >"$tmp/bad"

# bad FILE LINE TEXT: note something that is wrong.
bad() {
	printf '%s:%s: %s\n' "$1" "$2" "$3" >>"$tmp/bad"
}

# bad_lines: the same for each line "FILE:LINE: TEXT" of standard input.
bad_lines() {
	cat >>"$tmp/bad"
}

# finish WHAT: say what was checked, and how it went.
finish() {
	if [ -s "$tmp/bad" ]; then
		cat "$tmp/bad"
		printf '%s: %s wrong of %s\n' "$(basename "$0")" \
			"$(wc -l <"$tmp/bad")" "$1"
		exit 1
	fi
	printf '%s: checked %s\n' "$(basename "$0")" "$1"
	exit 0
}

skip() {
	printf '%s: skipped: %s\n' "$(basename "$0")" "$1"
	exit 77
}

# sources [GLOB...]: the files of the tree itself, tests included: not what
# was built or unpacked below it.
sources() {
	find include src client tests doc -name 'build-*' -prune -o \
		-type f \( -name '*.c' -o -name '*.h' -o -name '*.def' \) -print |
		sort
}

# rows FILE NAME: each row NAME(...) of a .def file, without comments and on
# one line, behind the number of its first line.
rows() {
	awk -v start="^($2)[(]" '
	{
		line = $0
		code = ""
		while (line != "") {
			at = index(line, comment ? "*/" : "/*")
			if (at == 0) {
				if (!comment)
					code = code line
				break
			}
			if (!comment)
				code = code substr(line, 1, at - 1)
			line = substr(line, at + 2)
			comment = !comment
		}
		if (!open && code !~ start)
			next
		if (!open) {
			open = NR
			row = ""
			depth = 0
		}
		row = row " " code
		depth += gsub(/[(]/, "(", code) - gsub(/[)]/, ")", code)
		if (depth > 0)
			next
		gsub(/[ \t]+/, " ", row)
		sub(/^ /, "", row)
		sub(/ $/, "", row)
		print open "\t" row
		open = 0
	}' "$1"
}

# constants FILE...: "NAME VALUE LINE FILE" for each #define of a number.
constants() {
	awk '$1 == "#define" && $2 ~ /^[A-Z0-9_]+$/ {
		text = $0
		sub(/^#define[ \t]+[A-Z0-9_]+[ \t]*/, "", text)
		sub(/[ \t]*\/\*.*$/, "", text)
		if (text ~ /^[0-9a-fA-FxuU*+ \t()]+$/ && text ~ /[0-9]/)
			print $2 "|" text "|" FNR "|" FILENAME
	}' "$@" | while IFS='|' read -r name text line file; do
		text=$(printf '%s' "$text" | sed 's/\([0-9a-fA-F]\)[uU]/\1/g')
		# shellcheck disable=SC2004
		printf '%s %s %s %s\n' "$name" "$(($text))" "$line" "$file"
	done
}

# messages FILE: each MESSAGE row as the documents show it, "LINE TAB NAME
# TAB TYPE FIELD (LIMIT), ...", with limits as numbers.
messages() {
	awk '{ print "s/\\([, ]\\)" $1 ")/\\1" $2 ")/g" }' "$limits" \
		>"$tmp/numbers.sed"
	rows "$1" MESSAGE | sed -f "$tmp/numbers.sed" | sed -E '
		s/MESSAGE\(([a-z_]+), ?(.*)\)$/\1	\2/
		s/NOTHING/nothing,/g
		s/U8\(([a-z_]+)\)/byte \1,/g
		s/U32\(([a-z_]+)\)/uint32 \1,/g
		s/U64\(([a-z_]+)\)/uint64 \1,/g
		s/BOOLEAN\(([a-z_]+)\)/boolean \1,/g
		s/STRING\(([a-z_0-9]+), ?([0-9]+)\)/string \1 (\2),/g
		s/LIST\(([a-z_]+), ?([0-9]+)\)/list \1 (\2),/g
		s/, *$//'
}

# described FILE: the messages that a document shows, in the same form.  In
# a fenced block, "name:" begins one; its fields are indented lines, and
# what stands behind two blanks says what a field is for.
described() {
	awk '
	function done() {
		if (name != "")
			print line "\t" name "\t" fields
		name = ""
	}
	/^```/ { done(); inside = !inside; next }
	!inside { next }
	/^[a-z_]+:$/ {
		done()
		name = substr($0, 1, length($0) - 1)
		line = NR
		fields = ""
		next
	}
	/^    [a-z]/ && name != "" {
		field = substr($0, 5)
		sub(/  .*$/, "", field)
		fields = fields (fields == "" ? "" : ", ") field
		next
	}
	/^ *$/ { done() }' "$1"
}

# compare_messages DEF DOC: every message of the one is in the other, with
# the same fields in the same order.
compare_messages() {
	messages "$1" >"$tmp/wanted"
	described "$2" >"$tmp/shown"
	awk -F '\t' -v def="$1" -v doc="$2" '
	FILENAME == ARGV[1] { at[$2] = $1; wanted[$2] = $3; next }
	!($2 in wanted) {
		print doc ":" $1 ": " $2 " is not in " def
		next
	}
	{
		seen[$2] = 1
		if ($3 != wanted[$2])
			print doc ":" $1 ": " $2 " is \"" wanted[$2] \
			    "\" in " def ":" at[$2] ", here it is \"" $3 "\""
	}
	END {
		for (name in wanted)
			if (!(name in seen))
				print def ":" at[name] ": " name \
				    " is not in " doc
	}' "$tmp/wanted" "$tmp/shown" | bad_lines
}

# expect DOC: for each "FILE:LINE TAB TEXT" of standard input the document
# has a line that begins with the text.
expect() {
	awk -F '\t' -v doc="$1" '
	FILENAME != "-" { lines[++n] = $0; next }
	{
		for (i = 1; i <= n; i++)
			if (index(lines[i], $2) == 1)
				next
		print $1 ": " doc " has no line that begins \"" $2 "\""
	}' "$1" - | bad_lines
}
