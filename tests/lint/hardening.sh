#!/usr/bin/env bash
# The binaries have what the build promises: PIE, full RELRO, immediate
# binding, stack protector, CET, no writable code, code apart from data, few
# libraries, no threads, and every file of theirs compiled with the flags.
set -eu
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

if grep -q '^HARDEN_CFLAGS = .*-fsanitize=' "$BUILD/Makefile"; then
	echo "a sanitizer's build is not hardened; the ordinary one is checked"
	SANITIZED=1
fi

has() { # FILE WHAT PATTERN readelf-option
	if readelf -W "$4" "$1" 2>/dev/null | grep -qE "$3"; then
		echo "${1##*/}: $2"
	else
		bad "$1" 0 "no $2"
	fi
}

hasnt() {
	if readelf -W "$4" "$1" 2>/dev/null | grep -qE "$3"; then
		bad "$1" 0 "has $2"
	fi
}

check_libraries() { # FILE LIBRARY...
	local file=$1 lib
	shift
	[ $# -le 4 ] || bad "$file" 0 "may need more than four libraries"
	while IFS= read -r lib; do
		case " $* " in
		*" ${lib%%.so*} "*) echo "${file##*/}: needs $lib" ;;
		*) bad "$file" 0 "needs $lib" ;;
		esac
	done < <(readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
}

# check_imports FILE PATTERN: it imports nothing that the pattern is all of.
check_imports() {
	nm -D --undefined-only "$1" | awk '{ sub(/@.*/, "", $NF); print $NF }' \
		>"$tmp/imports"
	[ "$(wc -l <"$tmp/imports")" -gt 20 ] || bad "$1" 0 "nm tells of no imports"
	grep -xE "$2" "$tmp/imports" | sed "s#^#$1:0: calls #" | bad_lines
}

# check_flags FILE: gcc notes the flags in what it says for the debugger;
# FORTIFY is the preprocessor's, and stands in the Makefile alone.
check_flags() {
	readelf --debug-dump=info --dwarf-depth=1 "$1" 2>/dev/null |
		sed -n 's/.*DW_AT_producer.*: \(GNU C[0-9].*\)/\1 /p' \
			>"$tmp/producers"
	[ -s "$tmp/producers" ] || bad "$1" 0 "nothing is known of its flags"
	for flag in -fstack-protector-strong -fstack-clash-protection \
		-fcf-protection=full -ftrivial-auto-var-init=zero \
		-fzero-call-used-regs=used-gpr '-f(PIE|PIC|pic)'; do
		grep -vE -e " $flag " "$tmp/producers" |
			sed "s#.*#$1:0: a file of it is compiled without $flag#"
	done | sort -u | bad_lines
}

cofred=$BUILD/cofred cofre=$BUILD/cofre
library=$BUILD/.libs/libcofre.so.0.0.0
sources=$BUILD/client/sources
programs="$sources/azure $sources/docker $sources/file $sources/http"
# shellcheck disable=SC2086
for f in "$cofred" "$cofre" "$library" $programs; do
	[ -z "${SANITIZED:-}" ] || continue
	has "$f" "position independent code" 'Type:[[:space:]]+DYN' -h
	has "$f" "RELRO" 'GNU_RELRO' -l
	has "$f" "immediate binding" 'BIND_NOW|FLAGS_1.*NOW' -d
	has "$f" "a stack that can't be executed" 'GNU_STACK.* RW  ' -l
	has "$f" "stack protector" '__stack_chk_fail' --dyn-syms
	hasnt "$f" "a segment that is writable and executable" \
		'LOAD.* RWE ' -l
	hasnt "$f" "a path to search libraries in" 'R(UN)?PATH' -d
	hasnt "$f" "relocations in code" 'TEXTREL' -d
	hasnt "$f" "headers among its code" 'LOAD +0x000000 .* R E ' -l
done
if [ -z "${SANITIZED:-}" ]; then
	has "$cofred" "a shadow stack (CET)" 'SHSTK' -n
	for f in "$BUILD"/lib*.a "$BUILD"/.libs/libcofre.a; do
		[ "$(ar t "$f" | wc -l)" -eq "$(readelf -n "$f" 2>/dev/null |
			grep -c 'IBT, SHSTK')" ] ||
			bad "$f" 0 "an object without the marks of CET"
	done
	grep -qE '^CFLAGS = .*-O0' "$BUILD/Makefile" ||
		has "$cofred" "fortified calls" '__mem[a-z]+_chk@' --dyn-syms
fi

# Each program's own list of libraries, and what it must not be able to call:
# nothing of libdl, no name service, no shell, no log of the system's, nothing
# that does not know how long a buffer is, and no threads.  Where threads are,
# ThreadSanitizer must come; there are none.
never='dlm?open|dlsym|system|popen|wordexp|posix_spawnp?|vfork|getaddrinfo'
never+='|getnameinfo|gethostby.*|getservby.*|res_.*|get(pw|gr)ent.*|v?syslog'
never+='|openlog|iconv.*|setlocale|gets|(__)?v?sprintf(_chk)?|getwd|alloca'
never+='|(__)?str(cpy|cat)(_chk)?|(__isoc99_)?[sf]?scanf|s?rand|random'
never+='|mktemp|tmpnam|tempnam|pthread_create|thrd_create|clone'
no_names='|getpw.*|getgr(nam|gid|ent|ouplist).*|initgroups'
no_programs='|exec[vlpe]+|fexecve|execveat'
if [ -z "${SANITIZED:-}" ]; then
	check_libraries "$cofred" libc libsodium liblmdb libseccomp
	check_libraries "$cofre" libc libsodium libjansson
	check_libraries "$library" libc
	# The daemon forks, before the sandbox, for the witness.
	check_imports "$cofred" "$never$no_names$no_programs"
	check_imports "$library" "$never$no_names$no_programs|fork"
	# It runs programs: what 'run exec' is given, and sources.  It asks for
	# the groups of a uid whose rights it is to explain (cmd_policy.c).
	check_imports "$cofre" \
		"$never|getpwnam.*|getgr(nam|gid).*|initgroups"
	# shellcheck disable=SC2086
	for f in $programs; do
		check_libraries "$f" libc libjansson
		check_imports "$f" "$never$no_names"
	done
	check_imports "$sources/file" "$never$no_names$no_programs|fork"
	if grep -q '^CC = .*gcc' "$BUILD/Makefile"; then
		# shellcheck disable=SC2086
		for f in "$cofred" "$cofre" "$library" $programs; do
			check_flags "$f"
		done
	else
		echo "the flags of each file are seen in a build by gcc alone"
	fi
	# Without -O there is nothing that _FORTIFY_SOURCE could do.
	grep -qE '^CFLAGS = .*-O0' "$BUILD/Makefile" ||
		grep -q '^HARDEN_CFLAGS = .*-D_FORTIFY_SOURCE=[23]' "$BUILD/Makefile" ||
		bad "$BUILD/Makefile" 0 "no _FORTIFY_SOURCE"
fi
finish "the hardening of seven binaries"
