#!/usr/bin/env bash
# make reproducible: the same source, built a second time by somebody who has
# as little in common with whom built it first as can be, gives the same files
# to install, byte for byte.
#
# The first is this build; the second is made of the distribution.  Apart are:
# the directory and the length of its name, outside the source tree or inside,
# the umask, the time zone, the locale, the clock, the user (as root), and how
# many jobs make runs at once.  Nothing that is installed is setuid, or for
# others to write.
set -euo pipefail
: "${BUILD:?the build directory}" "${DISTDIR:?an unpacked distribution}"
: "${PREFIX:?where it installs to}" "${CC:=gcc}" "${CFLAGS=-g -O2}"
[ -n "${MAP_CFLAGS:-}" ] || {
	echo "reproducible: not of a build for tests (sanitizers, coverage)" >&2
	exit 1
}
export CCACHE_DISABLE=1
unset MAKEFLAGS MFLAGS MAKELEVEL SOURCE_DATE_EPOCH
for needed in faketime setpriv; do
	command -v "$needed" >/dev/null || {
		echo "reproducible: $needed is not installed" >&2
		exit 1
	}
done
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
two=$tmp/a-directory-with-a-much-longer-name/src
mkdir -p "$two" "$tmp/out"
cp -R "$DISTDIR/." "$two"
chmod -R u+w "$two"
as_two=()
if [ "$(id -u)" -eq 0 ]; then
	chown -R 4711:4711 "${two%/src}"
	as_two=(setpriv --reuid 4711 --regid 4711 --clear-groups)
else
	echo "reproducible: not root: one user builds both"
fi

install_one() {
	umask 022
	export TZ=UTC LC_ALL=C HOME=/nonexistent
	make -s -C "$BUILD" install DESTDIR="$tmp/out/1"
}

# Half a year on, in Kathmandu.
build_two() {
	cat >"${two%/src}/build.sh" <<-END
		set -e
		umask 077
		export TZ=Asia/Kathmandu LC_ALL=C.UTF-8 HOME='${two%/src}' USER=two
		cd '$two'
		./configure -q CC='$CC' CFLAGS='$CFLAGS' --prefix='$PREFIX'
		make -s -j3
		make -s install DESTDIR='${two%/src}/2'
	END
	faketime -f +180d "${as_two[@]}" bash "${two%/src}/build.sh"
}

began=$SECONDS
(install_one) >"$tmp/one.out" 2>&1 || { tail -n 30 "$tmp/one.out"; exit 1; }
build_two >"$tmp/two.out" 2>&1 || { tail -n 30 "$tmp/two.out"; exit 1; }

# What is there, with its mode and where a link leads.
listing() {
	(cd "$1" && find . ! -type d -printf '%p %m %l\n' | LC_ALL=C sort)
}
listing "$tmp/out/1" >"$tmp/listing.1"
listing "${two%/src}/2" >"$tmp/listing.2"
status=0
find "$tmp/out/1" ! -type l -perm /6022 -printf \
	'%P: mode %m: setuid, or others may write\n' >"$tmp/modes"
[ ! -s "$tmp/modes" ] || { cat "$tmp/modes"; status=1; }
diff "$tmp/listing.1" "$tmp/listing.2" || status=1
while read -r file _; do
	cmp "$tmp/out/1/$file" "${two%/src}/2/$file" || status=1
done <"$tmp/listing.1"
files=$(wc -l <"$tmp/listing.1")
[ "$files" -gt 30 ] || { echo "reproducible: only $files files"; status=1; }
[ "$status" -eq 0 ] || exit 1
printf 'reproducible: %d files are the same in both builds, %d s\n' \
	"$files" "$((SECONDS - began))"
