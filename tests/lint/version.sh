#!/bin/sh
# There is one version: that of configure.ac.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

version=$(sed -n 's/^AC_INIT(\[cofre\], \[\([0-9.]*\)\].*/\1/p' configure.ac)
[ -n "$version" ] || bad configure.ac 1 "no version in AC_INIT"

# agrees FILE PATTERN WANTED: the text in the pattern's group is the wanted.
agrees() {
	line=$(grep -n "$2" "$1" | head -n 1)
	found=$(printf '%s\n' "${line#*:}" | sed "s/.*$2.*/\\1/")
	[ "$found" = "$3" ] ||
		bad "$1" "${line%%:*}" "version '$found', configure.ac says '$3'"
}
agrees include/cofre.h '#define COFRE_VERSION "\([^"]*\)"' "$version"
agrees client/libcofre.map 'COFRE_\([0-9.]*\) {' "${version%.*}"
grep -q '^Version: @PACKAGE_VERSION@$' client/libcofre.pc.in ||
	bad client/libcofre.pc.in 1 "the version is not @PACKAGE_VERSION@"
finish "version $version in 4 files"
