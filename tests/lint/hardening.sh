#!/usr/bin/env bash
# The binaries have what the build promises: PIE, full RELRO, immediate
# binding, stack protector, CET, no writable code, and few libraries.
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
	while IFS= read -r lib; do
		case " $* " in
		*" ${lib%%.so*} "*) echo "${file##*/}: needs $lib" ;;
		*) [ -n "${SANITIZED:-}" ] || bad "$file" 0 "needs $lib" ;;
		esac
	done < <(readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
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
done
if [ -z "${SANITIZED:-}" ]; then
	has "$cofred" "a shadow stack (CET)" 'SHSTK' -n
	for f in "$BUILD"/lib*.a "$BUILD"/.libs/libcommon.a; do
		[ "$(ar t "$f" | wc -l)" -eq "$(readelf -n "$f" 2>/dev/null |
			grep -c 'IBT, SHSTK')" ] ||
			bad "$f" 0 "an object without the marks of CET"
	done
	has "$cofred" "fortified calls" '__[a-z]+_chk@' --dyn-syms
fi
check_libraries "$cofred" libc libsodium liblmdb libseccomp
check_libraries "$library" libc
# What the daemon must not be able to call at all.  fork is called once, before
# the sandbox, for the witness.
forbidden='(dlopen|dlsym|system|popen|exec[lv][a-z]*|posix_spawn[a-z]*|vfork|getaddrinfo|gethostby[a-z]*|getpw[a-z]*|getgr(nam|gid|ent)[a-z_]*|getgrouplist|initgroups|syslog|openlog|strcpy|strcat|sprintf|gets|rand|random)'
if [ -z "${SANITIZED:-}" ]; then
	while IFS= read -r name; do
		bad "$cofred" 0 "calls $name"
	done < <(readelf -W --dyn-syms "$cofred" |
		grep ' UND ' | grep -oE " $forbidden(@|\$)")
fi
finish "the hardening of seven binaries"
