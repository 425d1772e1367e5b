#!/bin/bash
# A store that is cut, foreign, or newer; a second daemon; an old store under
# a newer log; keyfiles that others can read, and that are of another vault:
# each is refused, or told, with a clear message, and never crashes it.
set -eu
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

key=$dir/key
printf 'the value' >"$dir/value"

# --- a vault with some secrets, kept as $dir/good ---

start || fail "the first start"
gives 0 cofre init --keyfile "$key"
gives 0 cofre workspace create w
for i in 1 2 3 4 5 6; do
	head -c 20000 /dev/zero | tr '\0' "$i" |
	    cofre put "w/large$i" --kind generic >/dev/null
done
gives 0 cofre put w/n --kind generic --file "$dir/value"
stop
cp -a --sparse=always "$state" "$dir/good"

# The state as it was then.
put_back()
{
	rm -rf "$state"
	cp -a --sparse=always "$dir/good" "$state"
}

all_is_well()
{
	gives 0 cofre get w/n
	[ "$out" = "the value" ] || fail "get gives '$out'"
	for i in 1 2 3 4 5 6; do
		n=$(cofre get "w/large$i" | tr -d -c "$i" | wc -c)
		[ "$n" -eq 20000 ] || fail "large$i has $n bytes"
	done
}

# --- cut short ---

size=$(stat -c %s "$state/data.mdb")
cuts=0
for cut in 1 15 16 4095 4096 4097 8191 8192 8193 12288 20480 40960 81920 \
    $((size / 2)) $((size - 4096)) $((size - 1)); do
	put_back
	truncate -s "$cut" "$state/data.mdb"
	if start --keyfile "$key"; then
		# Only what was never used is missing.
		all_is_well
		stop
	else
		code=0
		wait "$pid" || code=$?
		pid=
		if [ "$code" -eq 0 ] || [ "$code" -ge 126 ]; then
			fail "cut to $cut: exit code $code"
		fi
		has "$said" "data.mdb"
		cuts=$((cuts + 1))
	fi
done
[ "$cuts" -ge 8 ] || fail "only $cuts cuts were noticed"
echo "cut short at 16 places: $cuts refused, the others lose nothing"

put_back
: >"$state/data.mdb"
refused "data.mdb"
put_back
rm "$state/data.mdb"
refused "data.mdb"

# --- foreign ---

put_back
head -c 65536 /dev/urandom >"$state/data.mdb"
refused "not a cofre store"
head -c 65536 /dev/zero >"$state/data.mdb"
refused "not a cofre store"
printf 'SQLite format 3' | dd of="$state/data.mdb" conv=notrunc status=none
refused "not a cofre store"
rm "$state/data.mdb"
mkfifo "$state/data.mdb"
chown --reference="$state" "$state/data.mdb"
refused "not a regular file"
rm "$state/data.mdb"
chown --reference="$state" "$dir/good/data.mdb"
ln -s "$dir/good/data.mdb" "$state/data.mdb"
refused "data.mdb"

# Write bytes at every place of "cofre vault", the head of the header row.
patch_header()
{
	put_back
	while read -r at; do
		printf '%b' "$2" | dd of="$state/data.mdb" conv=notrunc \
		    status=none bs=1 seek=$((at + $1))
	done < <(grep -abo 'cofre vault' "$state/data.mdb" | cut -d: -f1)
}
patch_header 0 'other'
refused "no cofre vault"
patch_header 11 '\x00\x00\x00\x06'
refused "newer cofre"

put_back	# the version of LMDB in both meta pages
for at in 20 4116; do
	printf '\2' | dd of="$state/data.mdb" conv=notrunc status=none bs=1 \
	    seek="$at"
done
refused "newer"

# --- the log ---

put_back
log=$state/activity/0000000000000000.log
printf 'x' | dd of="$log" conv=notrunc status=none bs=1 seek=$((128 * 9 + 20))
refused "0000000000000000.log"
for cut in 0 100 128 1024; do
	put_back
	truncate -s "$cut" "$log"
	refused "0000000000000000.log"
done
put_back
chmod 777 "$state/activity"
refused "activity"

# --- an old store, a newer log ---

put_back
start --keyfile "$key" || fail "start"
gives 0 cofre put w/later --kind generic --file "$dir/value"
stop
cp -a "$dir/good/data.mdb" "$state/data.mdb"
start --keyfile "$key" || fail "start with an old store"
listen
has "$said" "older than its activity log"
gives 7 cofre get w/n
gives 13 cofre unlock --keyfile "$key"
has "$out" "older than its activity log"
gives 7 cofre get w/n
gives 0 cofre unlock --keyfile "$key" --accept-rollback
all_is_well
gives 6 cofre get w/later
gives 0 cofre activity --op vault.unlock
has "$out" "rollback"
stop
start --keyfile "$key" || fail "start once the rollback was accepted"
listen
all_is_well
gives 0 cofre put w/later --kind generic --file "$dir/value"
stop
start --keyfile "$key" || fail "start after the rollback was accepted"
listen
all_is_well
stop
echo "an old store: told, refused, opened with --accept-rollback, recorded"

# --- an old log, a newer store ---

cp -a "$state" "$dir/newer"
rm -rf "$state/activity"
cp -a "$dir/good/activity" "$state/activity"
start --keyfile "$key" || fail "start with an old log"
all_is_well
gives 0 cofre doctor
has "$out" "the log was shorter"
stop
echo "an old log beside a newer store: told by doctor"

# --- who else is there ---

put_back
start --keyfile "$key" || fail "start"
first=$pid
if "$COFRED" --state "$state" --socket "$dir/s2" --config "$conf" \
    >"$dir/second" 2>&1; then
	fail "a second daemon started"
fi
has "$(cat "$dir/second")" "in use by another cofred"
if "$COFRED" --state "$dir/state2" --socket "$socket" --config "$conf" \
    >"$dir/second" 2>&1; then
	fail "a second daemon took the socket"
fi
has "$(cat "$dir/second")" "another process listens"
kill -0 "$first"
all_is_well
stop
echo "a second daemon: refused, on the same state and on the same socket"

# --- keyfiles ---

for mode in 644 640 604 660 602; do
	chmod "$mode" "$key"
	refused "a keyfile is its owner's alone" --keyfile "$key"
done
chmod 600 "$key"
start || fail "start"
chmod 644 "$key"
gives 2 cofre unlock --keyfile "$key"
chmod 600 "$key"
gives 0 cofre unlock --keyfile "$key"
stop
ln -s "$key" "$dir/link"
refused "symbolic link" --keyfile "$dir/link"
mkfifo "$dir/fifo"
refused "not a regular file" --keyfile "$dir/fifo"
refused "not a regular file" --keyfile "$dir"
head -c 31 /dev/urandom >"$dir/short"
head -c 4097 /dev/urandom >"$dir/long"
head -c 32 /dev/urandom >"$dir/wrong"
chmod 600 "$dir/short" "$dir/long" "$dir/wrong"
refused "32 to 4096 bytes" --keyfile "$dir/short"
refused "32 to 4096 bytes" --keyfile "$dir/long"
refused "No such file" --keyfile "$dir/none"
start --keyfile "$dir/wrong" || fail "start with a wrong keyfile"
listen
has "$said" "opens no slot"
has "$said" "stays locked"
gives 7 cofre get w/n
gives 11 cofre unlock --keyfile "$dir/wrong"
stop
echo "a wrong keyfile: it is told, and the vault stays locked"

# --- configuration and directories ---

for bad in 'colour = red' 'log = loud' 'store_limit = 1' 'socket = s' \
    'operator_group = 0' 'log strict' 'log = strict
log = strict'; do
	printf '%s\n' "$bad" >"$conf"
	refused "$conf:"
done
: >"$conf"
chmod 666 "$conf"
refused "others can write it"
chmod 644 "$conf"
refused "what is" nonsense
refused "No such file" --config "$dir/nothing"
mv "$state" "$dir/elsewhere"
ln -s "$dir/elsewhere" "$state"
refused "state directory"
rm "$state"
mv "$dir/elsewhere" "$state"
if [ "$(id -u)" -eq 0 ]; then
	refused "chown it" --user 61000:61000
	refused "choose an account of its own" --user 0:0
	refused "choose an account of its own" --user 65534:65534
	refused "not in" --user 4294967294
fi
chmod 755 "$state"
[ "$(id -u)" -eq 0 ] || echo "operator_group = $(id -g)" >"$conf"
start --keyfile "$key" || fail "the last start"
[ "$(stat -c %a "$state")" = 700 ] || fail "the state directory stays open"
all_is_well
stop
echo passed
