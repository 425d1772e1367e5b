#!/usr/bin/env bash
# demo.sh BUILD: the main job, for real, in a temporary directory.
#
# Every command is printed before it runs.  Secrets are made here, and go to
# cofre through pipes from the shell's own printf: they are in no file, no
# argument and no environment.
set -euo pipefail
build=$(realpath "$1")
admin=0 agent=2001 reader=2002 stranger=2003

cofred=$build/cofred
cofre=$build/cofre
fetch=$build/doc/examples/fetch
dir=$(mktemp -d /tmp/cofre-demo.XXXXXX)
chmod 755 "$dir"
# What other users run must be where they can reach it, wherever the clone is.
install -d "$dir/bin"
"$build/libtool" --mode=install install "$cofre" "$dir/bin/cofre" >/dev/null 2>&1
"$build/libtool" --mode=execute true "$fetch"
install -m 755 "$build"/.libs/libcofre.so.0 "$dir/bin/"
install -m 755 "$build"/doc/examples/.libs/fetch "$dir/bin/fetch" 2>/dev/null ||
	install -m 755 "$fetch" "$dir/bin/fetch"
export LD_LIBRARY_PATH=$dir/bin
cofre=$dir/bin/cofre fetch=$dir/bin/fetch
export COFRE_SOCKET=$dir/cofre.sock
daemon="" sshd="" port=2322

cleanup() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" 2>/dev/null || true
	[ -z "$sshd" ] || kill "$sshd" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT

title() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*"; }

# as UID COMMAND...: run it as that user, and print it as the user types it.
as() {
	local uid=$1 status=0 text
	shift
	text=${*//$dir\/bin\//}
	if [ "$uid" -eq "$admin" ]; then
		show "$text"
		"$@" || status=$?
	else
		printf '(uid %s) ' "$uid"
		show "$text"
		setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@" ||
			status=$?
	fi
	return "$status"
}

# must_fail UID COMMAND...: a refusal is what is to be shown.
must_fail() {
	if as "$@" 2>&1; then
		echo "demo: that should have been refused" >&2
		exit 1
	fi
}

title "1. A vault is made, and it is unlocked"
show "cofred --state STATE --socket cofre.sock --config conf"
echo "agent_socket = $dir/agent" >"$dir/conf"
"$cofred" --state "$dir/state" --socket "$COFRE_SOCKET" --config "$dir/conf" &
daemon=$!
for _ in $(seq 100); do
	"$cofre" status >/dev/null 2>&1 && break
	read -rt 0.05 <> <(:) || true
done
as $admin "$cofre" init --keyfile "$dir/keyfile"
as $admin "$cofre" lock
as $admin "$cofre" unlock --keyfile "$dir/keyfile"
as $admin "$cofre" status

title "2. A workspace, and its managed identity bound to the agent's uid"
as $admin "$cofre" workspace create ml-prod
as $admin "$cofre" identity bind ml-prod --uid $agent
as $admin "$cofre" identity show ml-prod
as $admin "$cofre" grant ml-prod user:$reader reader
as $admin "$cofre" grants ml-prod

title "3. Secrets come in through pipes"
key=$(head -c 64 /dev/urandom | base64 -w 0)
password=$(head -c 24 /dev/urandom | base64 -w 0 | tr '+/' 'xy')
sql=$(head -c 24 /dev/urandom | base64 -w 0 | tr '+/' 'xy')
token=$(head -c 24 /dev/urandom | base64 -w 0 | tr '+/' 'xy')
printf '%s' "DefaultEndpointsProtocol=https;AccountName=mlprodstore;AccountKey=$key;EndpointSuffix=core.windows.net" |
	as $admin "$cofre" put ml-prod/workspaceblobstore --kind storage
printf '%s' "$password" |
	as $admin "$cofre" put ml-prod/trainingimages --kind registry \
		--server mlprod.azurecr.io --username mlprod
printf '%s' "Server=tcp:mlprod.database.windows.net,1433;Initial Catalog=features;User ID=trainer;Password=$sql;Encrypt=True;Connection Timeout=30;" |
	as $admin "$cofre" put ml-prod/featuresdb --kind datastore --type azure-sql
printf '%s' "$token" | as $admin "$cofre" put ml-prod/trackertoken --kind generic
as $admin "$cofre" list ml-prod

title "4. The compute agent, a C program over libcofre, fetches what its run needs"
as $agent "$fetch" "$COFRE_SOCKET" ml-prod workspaceblobstore AccountName AccountKey
as $agent "$fetch" "$COFRE_SOCKET" ml-prod trainingimages server username password
as $agent "$fetch" "$COFRE_SOCKET" ml-prod featuresdb server database user password
[ "$(as $agent "$cofre" get ml-prod/workspaceblobstore --field AccountKey |
	tail -n 1)" != "" ]
got=$(setpriv --reuid $agent --regid $agent --clear-groups \
	"$cofre" get ml-prod/trackertoken --field value)
[ "$got" = "$token" ] && echo "what the agent got is what was stored"

title "5. Anybody else is refused; a reader may list, not read"
must_fail $stranger "$fetch" "$COFRE_SOCKET" ml-prod workspaceblobstore AccountKey
must_fail $stranger "$cofre" list ml-prod
as $reader "$cofre" list ml-prod
as $reader "$cofre" show ml-prod/featuresdb
must_fail $reader "$cofre" get ml-prod/featuresdb --field password

title "6. A key that is made anew upstream: resync-keys"
# Upstream is a file here; cofre-source(7) tells of the real ones.
install -d -m 755 "$dir/sources.d" "$dir/upstream"
install -m 755 "$build/client/sources/file" "$dir/sources.d/file"
printf 'file ml-prod path=%s/upstream/*\n' "$dir" >"$dir/sources.d/rules"
printf '%s' "$key" >"$dir/upstream/blob"
as $admin "$cofre" source set ml-prod/workspaceblobstore file \
	"path=$dir/upstream/blob"
as $admin "$cofre" put ml-prod/trainingdata --kind datastore --type azure-blob \
	--follows workspaceblobstore --meta container=train </dev/null
title "   the agents' access is taken away, by mistake, and the key is made anew"
as $admin "$cofre" identity revoke ml-prod --force
must_fail $agent "$fetch" "$COFRE_SOCKET" ml-prod workspaceblobstore AccountKey
newkey=$(head -c 64 /dev/urandom | base64 -w 0)
printf '%s' "$newkey" >"$dir/upstream/blob"
as $admin "$cofre" resync-keys ml-prod --sources "$dir/sources.d" --dry-run
as $admin "$cofre" resync-keys ml-prod --sources "$dir/sources.d"
as $agent "$fetch" "$COFRE_SOCKET" ml-prod workspaceblobstore AccountKey
got=$(setpriv --reuid $agent --regid $agent --clear-groups \
	"$cofre" get ml-prod/trainingdata --field AccountKey)
[ "$got" = "$newkey" ] &&
	echo "the datastore that follows the account has the new key too"
as $admin "$cofre" versions ml-prod/workspaceblobstore
rm -r "$dir/upstream"

title "7. A login elsewhere, with a key that nobody ever has"
ssh_keys() {
	as $admin "$cofre" target create ml-prod/gpu --host 127.0.0.1 --port $port \
		--user root --for-runs
	# The host: an sshd that lets root in by a file of its own.
	ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
	ssh-keygen -q -t ed25519 -N '' -f "$dir/access"
	cp "$dir/access.pub" "$dir/authorized_keys"
	mkdir -p /run/sshd
	printf '%s\n' "Port $port" 'ListenAddress 127.0.0.1' 'UsePAM no' \
		'StrictModes no' 'PermitRootLogin prohibit-password' \
		'PidFile none' "HostKey $dir/host" 'PrintMotd no' \
		"AuthorizedKeysFile $dir/authorized_keys" >"$dir/sshd_config"
	/usr/sbin/sshd -D -f "$dir/sshd_config" 2>/dev/null &
	sshd=$!
	for _ in $(seq 100); do
		ssh-keyscan -p $port 127.0.0.1 >/dev/null 2>&1 && break
		read -rt 0.05 <> <(:) || true
	done
	as $admin "$cofre" target authorize ml-prod/gpu \
		--file "$dir/authorized_keys" --host-key "$dir/host.pub" -- \
		-F none -i "$dir/access"
	rm "$dir/access"
	title "   as the compute agent; then with a new key, and as a run"
	# ssh wants its user to have an account.
	as $admin "$cofre" identity bind ml-prod --uid "$(id -u daemon)"
	as "$(id -u daemon)" "$cofre" ssh ml-prod/gpu echo "the agent is in"
	must_fail $stranger "$cofre" ssh ml-prod/gpu id
	as $admin "$cofre" target rotate ml-prod/gpu --authorize --own-key \
		--wait 1s --file "$dir/authorized_keys"
	as $admin "$cofre" run exec -w ml-prod --no-secrets -- \
		"$cofre" ssh ml-prod/gpu echo "the run is in"
	as $admin "$cofre" run exec -w ml-prod --no-secrets -- \
		"$cofre" ssh-agent -w ml-prod -- ssh-add -l
	must_fail $admin "$cofre" target export ml-prod/gpu
}
if [ -x /usr/sbin/sshd ]; then
	ssh_keys
else
	echo "left out: it takes sshd"
fi

title "8. A right that is taken away is gone at once"
as $admin "$cofre" identity unbind ml-prod --uid $agent
must_fail $agent "$fetch" "$COFRE_SOCKET" ml-prod trainingimages password

title "9. The activity log has all of it, with who did it, and verifies"
as $admin "$cofre" activity -n 45
as $admin "$cofre" activity verify "$dir/state"

title "10. No secret, and no secret's name, lies anywhere in clear"
patterns() {
	printf '%s\n' "$key" "$newkey" "$password" "$sql" "$token" workspaceblobstore trainingdata \
		trainingimages featuresdb trackertoken ml-prod
}
show "strings STATE/*, STATE/activity/* | grep SECRETS-AND-NAMES"
if find "$dir/state" -type f -exec strings -a {} + | grep -cF -f <(patterns); then
	echo "demo: found in the state directory" >&2
	exit 1
fi
show "grep SECRETS-AND-NAMES STATE/* STATE/activity/*"
if grep -rlaF -f <(patterns) "$dir/state"; then
	echo "demo: found in the state directory" >&2
	exit 1
fi
show "grep SECRETS-AND-NAMES /proc/*/environ /proc/*/cmdline"
if cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null |
	grep -caF -f <(patterns); then
	echo "demo: found in a process" >&2
	exit 1
fi
echo "nothing found"

title "11. What protection is in force"
as $admin "$cofre" doctor

title "Done."
cat <<'TXT'
The vault of this demonstration is gone.  To go on:
  ./bootstrap check            run every test
  make -C build-demo install   install cofred, cofre and libcofre
  README.md                    a tour of five minutes
TXT
