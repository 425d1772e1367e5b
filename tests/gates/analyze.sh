#!/usr/bin/env bash
# make analyze: gcc -fanalyzer, clang-tidy and cppcheck over every C file of
# src and client.  What they find is mended, or stands in explained.txt; what
# stands there and is not found any more is wrong as well.
#
#	analyze.sh [TOOL...]	in a build directory, by make; with FILES, of
#				these alone: "src/witness.c src/common"; with
#				NODES, how far clang's analyzer goes into a
#				function (225000, as clang has it)
set -euo pipefail
: "${BUILD:?the build directory}" "${srcdir:?the source tree}"
: "${CC:?the compiler}" "${CPP_FLAGS:?its flags}" "${C_FLAGS:?its flags}"
: "${JOBS:=$(nproc)}" "${FILES:=src client}" "${NODES:=225000}"
export LC_ALL=C
cd "$BUILD"
explained=$srcdir/tests/gates/explained.txt
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# What all three must find, so that silence means something.
cat >"$tmp/seeded.c" <<'END'
#include <stddef.h>
int seeded(void);
int seeded(void)
{
	int *p = NULL;

	return *p;
}
END

# --- one file; what is found goes to standard output -----------------------

gcc_one() {
	# The flags are written for a shell: -DPACKAGE=\"cofre\".
	eval "set -- \"\$1\" $CPP_FLAGS $C_FLAGS"
	$CC "${@:2}" -Wno-error -fanalyzer -fdiagnostics-plain-output \
		-fdiagnostics-path-format=none -S -o /dev/null "$1" 2>&1
}

clang_tidy_one() {
	eval "set -- \"\$1\" $CPP_FLAGS"
	clang-tidy --quiet --config-file="$srcdir/.clang-tidy" "$1" \
		-- -std=c11 "${@:2}" -Xclang -analyzer-config \
		-Xclang "max-nodes=$NODES" 2>/dev/null
}

cppcheck_one() {
	eval "set -- \"\$1\" $CPP_FLAGS"
	local include=() flag
	for flag in "${@:2}"; do
		case $flag in
		-I?*) include+=("$flag") ;;
		esac
	done
	# It has no -iquote.
	cppcheck --std=c11 --enable=warning,performance,portability -q \
		--suppress=missingIncludeSystem -D_GNU_SOURCE \
		"${include[@]}" -I"$srcdir/src/common" -I"$srcdir/src" \
		-I"$srcdir/client" -I"$srcdir/client/sources" \
		--template='{file}:{line}:{column}: warning: {message} [{id}]' \
		"$1" 2>&1
}

# --- all of them ------------------------------------------------------------

# findings TOOL <FOUND: rows "TOOL FILE CHECK LINE", each once.
findings() {
	sed -nE "s#^($srcdir/|$tmp/|([.][.]/)*)([^: ]+):([0-9]+):[0-9]+: (warning|error|fatal error): .* \[([A-Za-z0-9_.,=-]+)\]\$#$1 \3 \6 \4#p" |
		sort -u
}

# cpu: seconds that children of this shell have used.
cpu() {
	awk -v tick="$(getconf CLK_TCK)" '{ print int(($16 + $17) / tick) }' \
		"/proc/$$/stat"
}

# FUNCTION FILE DIRECTORY: what is found in the file, in a file there.
# shellcheck disable=SC2016
into='"$1" "$2" >"$(mktemp "$3/XXXXXXXX")"'

run() { # TOOL
	local tool=$1 began=$SECONDS used
	used=$(cpu)
	mkdir "$tmp/$tool"
	export -f gcc_one clang_tidy_one cppcheck_one
	export BUILD srcdir CC CPP_FLAGS C_FLAGS NODES tmp
	if ! { sed "s#^#$srcdir/#" "$tmp/files"; echo "$tmp/seeded.c"; } |
		xargs -P "$JOBS" -I{} bash -c "$into" \
			_ "${tool//-/_}_one" {} "$tmp/$tool"; then
		echo "$tool: did not run" >>"$tmp/failed"
	fi
	find "$tmp/$tool" -type f -exec cat {} + >"$tmp/$tool.out"
	findings "$tool" <"$tmp/$tool.out" >"$tmp/$tool.found"
	grep -q " seeded.c " "$tmp/$tool.found" ||
		echo "$tool: does not find what is seeded" >>"$tmp/failed"
	sed -i '/ seeded.c /d' "$tmp/$tool.found"
	used=$(($(cpu) - used))
	printf '%-10s %4d files, %2d findings, %3d s, %3d s of a processor\n' \
		"$tool" \
		"$(($(find "$tmp/$tool" -type f | wc -l) - 1))" \
		"$(wc -l <"$tmp/$tool.found")" "$((SECONDS - began))" "$used"
}

# shellcheck disable=SC2086
(cd "$srcdir" && find $FILES -name '*.c' | sort) >"$tmp/files"
[ -s "$tmp/files" ] || { echo "analyze: no file in $FILES" >&2; exit 1; }
all=$([ "$FILES" != "src client" ] || echo yes)
[ $# -gt 0 ] || set -- gcc clang-tidy cppcheck
for tool in "$@"; do
	command -v "$tool" >/dev/null || {
		echo "analyze: $tool is not installed" >&2
		exit 1
	}
	run "$tool"
	# As many findings of a kind in a file as are explained, no more, no less.
	awk -v tool="$tool" -v all="$all" '
	/^#/ || NF == 0 { next }
	FILENAME == ARGV[1] {
		analyzed[$1]
		next
	}
	FILENAME == ARGV[2] {
		if (NF < 4 || $1 !~ /^(gcc|clang-tidy|cppcheck)$/)
			print FILENAME ":" FNR ": is not TOOL FILE CHECK reason"
		if ($1 == tool && (all || $2 in analyzed))
			explained[$1 " " $2 " " $3]++
		next
	}
	explained[$1 " " $2 " " $3]-- > 0 { next }
	{ print $2 ":" $4 ": " $1 ": " $3 " is not explained" }
	END {
		for (what in explained)
			if (explained[what] > 0)
				print what ": is explained, but not found"
	}' "$tmp/files" "$explained" "$tmp/$tool.found" >>"$tmp/failed"
done
if [ -s "$tmp/failed" ]; then
	cat "$tmp"/*.out
	printf '\n'
	cat "$tmp/failed"
	exit 1
fi
printf 'analyze: nothing unexplained, %d explained\n' \
	"$(grep -cvE '^(#|$)' "$explained" || true)"
