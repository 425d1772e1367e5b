#!/bin/sh
# Who includes what: no foreign header but where its library is used, no
# header of another part of the house, and no header of a module above.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

find include src client -name '*.[ch]' | sort >"$tmp/files"
xargs grep -nH '^#include ' <"$tmp/files" |
	sed 's/^\([^:]*\):\([0-9]*\):#include *\([<"]\)\([^>"]*\).*/\1 \2 \3 \4/' \
		>"$tmp/includes" # FILE LINE < HEADER

# --- foreign headers -------------------------------------------------------

# libc, which everything may use.
libc="arpa/inet.h ctype.h dirent.h errno.h fcntl.h getopt.h grp.h inttypes.h limits.h
poll.h pwd.h signal.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h
stdlib.h string.h strings.h time.h unistd.h sys/auxv.h sys/file.h sys/ioctl.h sys/mman.h
sys/prctl.h sys/random.h sys/resource.h sys/socket.h sys/stat.h sys/syscall.h
sys/time.h sys/types.h sys/uio.h sys/un.h"

# What else there is, and the files that it is for.
cat >"$tmp/owners" <<'END'
endian.h src/common/wire.c
lmdb.h src/store_impl.h src/store_try.c
seccomp.h src/filter.c
linux/aio_abi.h src/ahead.c
linux/capability.h src/sandbox.c
linux/openat2.h src/witness_look.c client/sources/plainfile.c
sodium.h src/common/crypto.c client/kdf.c
jansson.h client/output.h client/sdkauth.c client/sources/pointer.h client/sources/program.h
sys/epoll.h src/accept.c src/conn.c src/conn_end.c src/conn_new.c src/loop.c src/sentry_start.c src/sentry_watch.c src/watch.c client/handle.c client/watching.c
sys/signalfd.h src/loop.c src/start_sockets.c client/attend.c client/prompt.c client/source_child.c
sched.h src/filter.c src/sentry_start.c
linux/futex.h src/filter.c src/sentry.c
sys/eventfd.h src/sentry_start.c
sys/wait.h src/filter.c src/sentry_start.c src/store_check.c src/witness_keep.c client/attend.c client/cmd_run_exec.c client/sources/child.c client/source_child.c client/source_run.c client/source_slot.c
sys/vfs.h src/peer.c
termios.h client/prompt.c
END

# shellcheck disable=SC2086
printf '%s\n' $libc >"$tmp/libc"
awk '
FILENAME == ARGV[1] { libc[$1] = 1; next }
FILENAME == ARGV[2] {
	for (i = 2; i <= NF; i++)
		owner[$1, $i] = ++owners[$1]
	next
}
$3 != "<" || ($4 in libc) { next }
!($4 in owners) {
	print $1 ":" $2 ": <" $4 "> is in no list of tests/lint/includes.sh"
	next
}
!(($4, $1) in owner) { print $1 ":" $2 ": <" $4 "> is not for this file" }
{ used[$4, $1] = 1 }
END {
	for (pair in owner)
		if (!(pair in used)) {
			split(pair, part, SUBSEP)
			print part[2] ":1: <" part[1] "> is not used here " \
			    "any more: take it out of includes.sh"
		}
}' "$tmp/libc" "$tmp/owners" "$tmp/includes" | bad_lines

# --- the parts of the house ------------------------------------------------

# Each library of Makefile.am, and which libraries' headers it may include.
cat >"$tmp/parts" <<'END'
libcommon_a libcommon_a
libcrypt_a libcommon_a libcrypt_a
libdaemon_a libcommon_a libcrypt_a libdaemon_a
cofred libcommon_a libcrypt_a libdaemon_a
libclient_a libcommon_a libclient_a
libcommand_a libcommon_a libcrypt_a libclient_a libcommand_a
cofre libcommon_a libcrypt_a libclient_a libcommand_a
libsource_a libcommon_a libclient_a libcommand_a libsource_a
client_sources_azure libcommon_a libclient_a libcommand_a libsource_a
client_sources_docker libcommon_a libclient_a libcommand_a libsource_a
client_sources_file libcommon_a libclient_a libcommand_a libsource_a
client_sources_http libcommon_a libclient_a libcommand_a libsource_a
END
awk '
/^[a-z_]+_SOURCES = *\\?/ {
	part = $1
	sub(/_SOURCES$/, "", part)
	$1 = $2 = ""
	on = 1
}
on {
	more = sub(/\\$/, "")
	for (i = 1; i <= NF; i++)
		if ($i ~ /^(src|client)\//)
			print part, $i
	on = more
}' Makefile.am >"$tmp/sources"
awk '
FILENAME == ARGV[1] {
	for (i = 2; i <= NF; i++)
		may[$1, $i] = 1
	next
}
FILENAME == ARGV[2] {
	part[$2] = $1
	name = $2
	sub(/.*\//, "", name)
	if (name ~ /\.(h|def)$/)
		home[name] = home[name] " " $1
	next
}
FILENAME == ARGV[3] {
	if (!($1 in part) && $1 !~ /^include\//)
		print $1 ":1: is in no library of Makefile.am"
	next
}
$3 != "\"" || $4 == "cofre.h" || !($1 in part) { next }
{
	n = split(home[$4], homes, " ")
	for (i = 1; i <= n; i++)
		if ((part[$1], homes[i]) in may)
			next
	print $1 ":" $2 ": \"" $4 "\" is not for " part[$1]
}' "$tmp/parts" "$tmp/sources" "$tmp/files" "$tmp/includes" | bad_lines

# --- the daemon, from the bottom to the top --------------------------------

# A module may include headers of its own line and of those above it here.
cat >"$tmp/storeys" <<'END'
agent ahead budget bus facts filter listen localfs notify peer pool policy policy_role scan seal sort sshbind tally
token
refusals sandbox
binding config config_file rows run keyring catalog secret_fields store store_file store_check store_impl store_pages store_room store_try rowwalk sshindex target
signing
sender sentry sentry_impl sentry_start sentry_watch witness witness_hash witness_keep witness_look
audit audit_impl audit_open audit_read segment
sshstore sshstore_open targets authority
vault vault_commit vault_rows vault_ssh vault_unlock workspace roles resync endings runs runs_reads identity recount workspace_end
server
attest known conn conn_end conn_new conn_ready conn_send quota quota_impl quota_uids tell turn watch
ops guess notes previous secret_rows secret_follow op_*
dispatch dispatch_refuse
accept
loop
start start_sockets start_witness
main
END
# The way in: a connection hands its frames on to what serves them.
exceptions="src/conn.c:dispatch.h src/conn_end.c:dispatch.h"
awk -v exceptions=" $exceptions " '
function storey(name) {
	if (name in at)
		return at[name]
	return name ~ /^op_/ ? at["op_*"] : 0
}
FILENAME == ARGV[1] {
	for (i = 1; i <= NF; i++)
		at[$i] = FNR
	next
}
$1 !~ /^src\/[a-z_]*\.[ch]$/ { next }
{
	self = $1
	gsub(/^src\/|\.[ch]$/, "", self)
	if (storey(self) == 0 && !(self in told)) {
		print $1 ":1: is in no storey of tests/lint/includes.sh"
		told[self] = 1
	}
	other = $4
	sub(/\.h$/, "", other)
	if ($3 == "\"" && storey(other) > storey(self) &&
	    index(exceptions, " " $1 ":" $4 " ") == 0)
		print $1 ":" $2 ": \"" $4 "\" is above it"
}' "$tmp/storeys" "$tmp/includes" | bad_lines

# --- one place that asks who may --------------------------------------------

# dispatch.c asks before each handler, and for those who must ask again;
# op_policy.c explains, and so must ask the very same.
xargs grep -nH 'policy_check(' <"$tmp/files" |
	grep -Ev '^src/(policy\.[ch]|dispatch\.c|op_policy\.c):' |
	grep -Ev '^[^:]*:[0-9]*:(/\*|[[:space:]]*\*)|/\* .*policy_check' |
	sed 's/^\([^:]*:[0-9]*\):.*/\1: policy_check() is not for this file/' |
	bad_lines

# --- what libc does by system calls that the daemon may not make -------------

xargs grep -nHw 'qsort' <"$tmp/files" | grep '^src/' | grep -v '^src/sort.h:' |
	sed 's/^\([^:]*:[0-9]*\):.*/\1: qsort() is not for the daemon: sort()/' |
	bad_lines

finish "$(wc -l <"$tmp/includes") includes in $(wc -l <"$tmp/files") files"
