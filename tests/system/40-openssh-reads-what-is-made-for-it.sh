#!/bin/bash
# Keys, lines, certificates and revocation lists that are made here are read
# by OpenSSH's own programs as what they are; what those make is read here;
# and what the one refuses the other refuses too.  Its clients get along with
# an agent that speaks through the same modules.
set -eu
: "${BUILD:?the build directory}"

dir=$(mktemp -d "${COFRE_TEST_DIR:-/tmp}/cofre-ssh.XXXXXX")
agent=
cleanup()
{
	[ -z "$agent" ] || kill "$agent" 2>/dev/null || :
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
cd "$dir"
unset SSH_AUTH_SOCK SSH_ASKPASS DISPLAY
TZ=UTC
export TZ

texts() { "$BUILD/tests/system/sshtexts" "$@"; }

fail()
{
	echo "FAILED: $*"
	exit 1
}

# is WHAT WANTED
is()
{
	[ "$1" = "$2" ] || fail "'$1' is not '$2'"
}

# has TEXT WORDS...
has()
{
	local text=$1 words
	shift
	for words in "$@"; do
		case $text in
		*"$words"*) ;;
		*) fail "not there: '$words', in: $text" ;;
		esac
	done
}

hasnt()
{
	case $1 in
	*"$2"*) fail "'$2' is in: $1" ;;
	esac
}

# --- keys and lines ---

texts line "" "cofre:ws1/cluster-a" >key.pub
is "$(ssh-keygen -l -f key.pub)" "256 SHA256:lbmsoA0yIEcEiVDRnMWuzm+nV+3ZEEp\
VIURqFoeSspg cofre:ws1/cluster-a (ED25519)"
texts line "10.0.0.0/8,!10.0.0.1,*.example.com" "a b" >authorized
has "$(cat authorized)" 'restrict,from="10.0.0.0/8,!10.0.0.1,*.example.com" ssh'
has "$(ssh-keygen -l -f authorized)" "lbmsoA0yIEcEiVDRnMWuzm" "a b (ED25519)"
echo "lines: read by ssh-keygen"

# --- keys of hosts ---

for type in "ed25519 256" "ecdsa 256" "ecdsa 384" "ecdsa 521" "rsa 2048"; do
	name=${type% *}
	ssh-keygen -q -t "$name" -b "${type#* }" -N '' -C 'a host' -f "$name"
	line=$(cat "$name.pub")
	is "$(texts read "$line")" \
	    "${line%% *} $(ssh-keygen -l -f "$name.pub" | cut -d' ' -f2)"
	texts known node1 2222 "$line" >known_hosts
	has "$(ssh-keygen -F '[node1]:2222' -f known_hosts)" "found: line 1" \
	    "${line% a host}"
	if ssh-keygen -F node1 -f known_hosts >/dev/null; then
		fail "port 22 is known"
	fi
	rm "$name" "$name.pub"
done
echo "keys of hosts: five types pinned"

# --- certificates ---

texts ca >ca.pub
texts cert 1 42 ws1/run/abc alice,bob 1577836800 1577840400 "/bin/true -x" \
    127.0.0.1,10.0.0.0/8,2001:db8::/32 31 >key-cert.pub
said=$(ssh-keygen -L -f key-cert.pub)
has "$said" "ssh-ed25519-cert-v01@openssh.com user certificate" \
    "ED25519-CERT SHA256:lbmsoA0yIEcEiVDRnMWuzm+nV+3ZEEpVIURqFoeSspg" \
    "Signing CA: ED25519 $(ssh-keygen -l -f ca.pub | cut -d' ' -f2) (using" \
    'Key ID: "ws1/run/abc"' "Serial: 42" \
    "from 2020-01-01T00:00:00 to 2020-01-01T01:00:00" "alice" "bob" \
    "force-command /bin/true -x" \
    "source-address 127.0.0.1,10.0.0.0/8,2001:db8::/32" \
    permit-X11-forwarding permit-agent-forwarding permit-port-forwarding \
    permit-pty permit-user-rc
hasnt "$said" UNKNOWN
texts cert 1 7 w alice 0 18446744073709551615 "" "" 8 >plain-cert.pub
said=$(ssh-keygen -L -f plain-cert.pub)
has "$said" "Valid: forever" "Critical Options: (none)" permit-pty
hasnt "$said" permit-user-rc
texts cert 2 18446744073709551615 host:node1 'node1,*.example.com' 0 1 "" "" 0 \
    >host-cert.pub
has "$(ssh-keygen -L -f host-cert.pub)" "host certificate" node1 \
    '*.example.com' "Serial: 18446744073709551615"
# One whose signature is not over it is refused: so the others were looked at.
sed 's/A\(.\)\( made\)$/B\1\2/; t; s/.\(.\)\( made\)$/A\1\2/' host-cert.pub \
    >forged-cert.pub
if cmp -s host-cert.pub forged-cert.pub ||
    ssh-keygen -L -f forged-cert.pub >/dev/null 2>&1; then
	fail "a forged certificate is taken"
fi
echo "certificates: read by ssh-keygen -L"

# The other way: those of ssh-keygen are read here.
ssh-keygen -q -t ed25519 -N '' -f theirs
ssh-keygen -q -t ed25519 -N '' -f theirca
ssh-keygen -q -s theirca -I 'their id' -n alice,bob -z 9 \
    -V 20200101000000:20200101010000 -O force-command=id \
    -O source-address=10.0.0.0/8 -O no-x11-forwarding theirs.pub
is "$(texts certread <theirs-cert.pub)" \
    "1 9 their id 1577836800 1577840400 'id' '10.0.0.0/8' 30 16"
ssh-keygen -q -s theirca -h -I h -n node1 theirs.pub
is "$(texts certread <theirs-cert.pub)" \
    "2 0 h 0 18446744073709551615 '' '' 0 9"
echo "certificates of ssh-keygen: read"

# What may stand in source-address: the same as ssh-keygen takes, but for
# addresses that inet_aton(3) alone understands.
for list in 10.0.0.1 10.0.0.0/8 10.0.0.1/8 10.0.0.1/32 10.0.0.1/33 \
    10.0.0.1,::1 '10.0.0.1,' ',10.0.0.1' 10.0.0.1,,::1 10.0.0.256 ::1 ::/0 ::1/0 \
    2001:db8::/32 2001:db8::1/32 2001:db8::1/129 '*' '!10.0.0.1' node1 \
    0.0.0.0/0 1.0.0.0/0 10.0.0.0/8/8 10.0.0.0/ 10.0.0.0/x ::ffff:10.0.0.1 \
    '10.0.0.1 ' ::g 1:2:3:4:5:6:7:8:9; do
	theirs=yes ours=yes
	ssh-keygen -q -s theirca -I i -n a -O "source-address=$list" \
	    theirs.pub 2>/dev/null || theirs=no
	texts addresses "$list" || ours=no
	[ "$ours" = "$theirs" ] || fail "'$list': $ours here, $theirs there"
done
for list in 10.0.0 0x0a000001 10.0.0/24; do
	! texts addresses "$list" || fail "'$list' is taken"
done
echo "lists of addresses: taken and refused alike"

# --- revocation lists ---

# revoked FILE: does the list have it?
revoked()
{
	! ssh-keygen -Q -f revoked "$1" >/dev/null
}
texts krl 7 "" 41 42 43 >revoked
has "$(ssh-keygen -Q -l -f revoked)" "KRL version 7" "serial: 41-43"
revoked key-cert.pub || fail "serial 42 is not revoked"
! revoked plain-cert.pub || fail "serial 7 is revoked"
! revoked key.pub || fail "the key itself is revoked"
! revoked theirs-cert.pub || fail "another CA's is revoked"
texts krl 8 "ws1/run/abc" 18446744073709551615 >revoked
revoked key-cert.pub || fail "the key id is not revoked"
revoked host-cert.pub || fail "the largest serial is not revoked"
! revoked plain-cert.pub || fail "another key id is revoked"
texts krl 9 key >revoked
revoked key.pub || fail "the key is not revoked"
revoked plain-cert.pub || fail "a certificate for it is not"
! revoked ca.pub || fail "another key is revoked"
texts krl 10 "" >revoked
has "$(ssh-keygen -Q -l -f revoked)" "KRL version 10"
! revoked key-cert.pub || fail "an empty list revokes"
echo "revocation lists: asked with ssh-keygen -Q"

# --- an agent ---

SSH_AUTH_SOCK=$dir/agent
export SSH_AUTH_SOCK
mkfifo said
"$BUILD/tests/system/sshtexts" agent "$SSH_AUTH_SOCK" >said &
agent=$!
exec 8<said
before=
# next WORDS: what it says next; a client may ask for the same again.
next()
{
	local got=$before
	while [ "$got" = "$before" ]; do
		IFS= read -r -t 30 got <&8 || fail "no '$1' from the agent"
	done
	is "$got" "$1"
	before=$got
}
next ready
is "$(ssh-add -l)" "256 SHA256:lbmsoA0yIEcEiVDRnMWuzm+nV+3ZEEpVIURqFoeSspg \
cofre:ws1/node1 (ED25519)
256 SHA256:lbmsoA0yIEcEiVDRnMWuzm+nV+3ZEEpVIURqFoeSspg a certificate \
(ED25519-CERT)"
is "$(ssh-add -L | head -n 1)" "$(texts line "" cofre:ws1/node1)"
! ssh-add -T key.pub 2>/dev/null || fail "random bytes were signed"
next "refused: neither a login nor an SSHSIG signature"
! ssh-add theirs 2>/dev/null || fail "a key was added"
next "refused: add-identity"
! ssh-add -D 2>/dev/null || fail "all keys were removed"
next "refused: remove-all"
next "refused: ssh1-remove-all"
! ssh-add -d key.pub 2>/dev/null || fail "a key was removed"
next "refused: remove-identity"
! ssh-add -t 60 -c theirs 2>/dev/null || fail "a key was added"
next "refused: add-constrained"
! ssh-add -s /usr/lib/x.so </dev/null 2>/dev/null || fail "a card was added"
next "refused: add-smartcard"

# A signature over a file, and who has signed it.
echo "text" >file
ssh-keygen -q -Y sign -f key.pub -n git file 2>/dev/null
next "file git"
printf 'alice %s\n' "$(cat key.pub)" >signers
has "$(ssh-keygen -Y verify -f signers -I alice -n git -s file.sig <file)" \
    'Good "git" signature for alice'
! ssh-keygen -Y verify -f signers -I alice -n other -s file.sig <file \
    >/dev/null 2>&1 || fail "it is good for another namespace"
echo "an agent: ssh-add and ssh-keygen -Y get along with it"
