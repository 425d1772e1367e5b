#!/usr/bin/env python3
"""'cofre target' makes targets with keys that never leave the vault, and
brings their lines to a real sshd's accounts: once, whatever else stands
there, over whatever access the administrator has, and to the host with the
pinned key alone."""
import json
import os
import re
import select
import shutil
import socket
import stat
import subprocess
import sys
import threading
sys.dont_write_bytecode = True

import harness
from expect import check, same, show
from sshplace import Front, Place, left_in_tmp, own_uids

ADMIN, ALICE, READER = own_uids(3)
WS = "ml-prod"
T = WS + "/gpu"
KEY = re.compile(r"ssh-ed25519 (AAAA[A-Za-z0-9+/]{64}) cofre:ml-prod/gpu#(\d+)")


class Vault:
    def __init__(self, t):
        self.t, self.d = t, t.daemon()
        self.d.init().close()
        self.place = Place(t, {"admin": ADMIN, "alice": ALICE})
        self.cofre("workspace", "create", WS, uid=0)
        self.cofre("grant", WS, "user:%d" % ADMIN, "contributor", uid=0)
        self.cofre("grant", WS, "user:%d" % READER, "reader", uid=0)
        self.home = self.place.homes["alice"]
        self.keys = os.path.join(self.home, ".ssh", "authorized_keys")
        # What the administrator has: a key of the account, and the host's.
        self.access = self.place.make_key("access", ADMIN)
        self.hostkey = self.place.make_key("host")
        self.host = harness.read_file(self.hostkey + ".pub").decode().strip()
        self.other = self.place.make_key("other")
        self.other_blob = harness.read_file(
            self.other + ".pub").decode().split()[1]
        self.server = self.place.serve(self.hostkey)
        ssh = os.path.join(self.place.homes["admin"], ".ssh")
        os.mkdir(ssh, 0o700)
        os.chown(ssh, ADMIN, ADMIN)
        self.known = os.path.join(ssh, "known_hosts")
        self.know(self.host)

    def know(self, line):
        harness.write_file(self.known, "127.0.0.1 %s\n" % line if line
                           else "", 0o644)

    def cofre(self, *arguments, uid=ADMIN, code=0, says=""):
        done = subprocess.run(
            [self.t.cofre(), "--socket", self.d.socket, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, user=uid, group=uid, extra_groups=[],
            timeout=60)
        self.error = error = done.stderr.decode()
        same(done.returncode, code, "exit code of %r\n%s%s" %
             (arguments, error, self.server.said()[-2000:]
              if "authorize" in arguments else ""))
        check(says in error, "it says %r, not %r" % (error, says))
        return done.stdout.decode()

    def show(self, target=T):
        return json.loads(self.cofre("target", "show", target, "--json"))

    def authorize(self, *options, ssh=(), **more):
        return self.cofre("target", "authorize", T, *options, "--", "-F",
                          "none", "-o", "BatchMode=yes", "-i", self.access,
                          *ssh, **more)

    def put_keys(self, text):
        os.makedirs(os.path.dirname(self.keys), 0o755, exist_ok=True)
        os.chown(os.path.dirname(self.keys), ALICE, ALICE)
        harness.write_file(self.keys, text)
        os.chown(self.keys, ALICE, ALICE)

    def keys_now(self):
        st = os.stat(self.keys)
        same((stat.S_IMODE(st.st_mode), st.st_uid), (0o600, ALICE),
             "mode and owner of the keys")
        same(stat.S_IMODE(os.stat(os.path.dirname(self.keys)).st_mode),
             0o700, "mode of .ssh")
        same(os.listdir(os.path.dirname(self.keys)), ["authorized_keys"],
             "what is in .ssh")
        return harness.read_file(self.keys).decode()

    def public(self):
        return self.cofre("target", "public-key", T).splitlines()


# --- verbs ------------------------------------------------------------------------

def create(v):
    out = v.cofre("target", "create", T, "--host", "127.0.0.1", "--user",
                  "alice", "--from", "127.0.0.0/8,*.example", "--namespace",
                  "git", says="the next step is 'cofre target authorize %s'" %
                  T)
    check(KEY.fullmatch(out.strip()), out)
    same(v.public(), [out.strip()], "public-key")
    same(v.cofre("target", "authorized-keys", T),
         'restrict,from="127.0.0.0/8,*.example" ' + out, "authorized-keys")
    t = v.show()
    finger = subprocess.run(["ssh-keygen", "-lf", "-"], input=out.encode(),
                            stdout=subprocess.PIPE).stdout.decode().split()[1]
    same([t[k] for k in ("host", "port", "user", "for_runs", "namespaces",
                         "host_keys", "created_by")],
         ["127.0.0.1", 22, "alice", False, ["git"], [], ADMIN], "the target")
    same([(k["version"], k["fingerprint"]) for k in t["keys"]],
         [(1, finger)], "its key")
    text = v.cofre("target", "show", T)
    check(finger in text and "certified   no: from= has names" in text, text)
    same(t["certified"], False, "a list with names in it")
    listed = json.loads(v.cofre("target", "list", WS, "--json"))
    same([(x["name"], x["user"], x["for_runs"], x["keys"], x["fingerprint"])
          for x in listed], [("gpu", "alice", False, 1, finger)], "the list")
    check(" no " in v.cofre("target", "list", WS), "text of the list")
    v.cofre("target", "list", WS, uid=READER)
    v.cofre("target", "create", T, "--host", "h", "--user", "u", code=8)
    v.cofre("target", "show", WS + "/none", code=6)


def settings(v):
    v.cofre("target", "set", T, "--port", "2022", "--for-runs",
            "--unrestricted", "--from", "", "--no-namespaces")
    t = v.show()
    same([t[k] for k in ("host", "port", "user", "for_runs", "options",
                         "namespaces")],
         ["127.0.0.1", 2022, "alice", True, "", []], "after set")
    same(t["certified"], True, "once it is set so")
    v.cofre("target", "set", T, "--port", "22", "--restricted", "--namespace",
            "git", "--namespace", "file")
    t = v.show()
    same([t[k] for k in ("port", "for_runs", "options", "namespaces")],
         [22, True, "restrict", ["git", "file"]], "after another")


def forms():
    """Values that are none, for 'create' and for 'set'."""
    for option, value, says in (
            ("--host", "-h", "does not begin with -"),
            ("--host", "bad host", "--host 'bad host' is no host"),
            ("--host", "", "--host '' is no host"),
            ("--host", "h" * 256, "at most 255 bytes"),
            ("--host", "jobs@h", "the target's --user"),
            ("--host", "[::1]", "without brackets"),
            ("--host", "h:22", "the target's --port"),
            ("--user", "a b", "--user 'a b' is no name"),
            ("--user", "", "--user '' is no name"),
            ("--user", "-a", "begins with a letter"),
            ("--user", "1a", "begins with a letter"),
            ("--user", "a" * 64, "at most 63 bytes"),
            *(("--port", x, "--port '%s' is no port: it is a number from 1 "
               "to 65535" % x) for x in ("0", "65536", "ssh", "", "-1", "022",
                                         "4294967296")),
            ("--namespace", "a b", "--namespace 'a b' is none"),
            ("--namespace", "", "--namespace '' is none"),
            ("--namespace", "n" * 64, "at most 63 bytes")):
        rest = [x for o, x in (("--host", "h"), ("--user", "u"))
                for x in (o, x) if o != option]
        yield ["create", WS + "/x", *rest, option, value], 2, says
        yield ["set", T, option, value], 2, says
    same_one = ["--namespace", "git"] * 2
    yield (["create", WS + "/x", "--host", "2001:db8::1", "--user", "u",
            *same_one], 2, "git is said twice")
    yield ["set", T, *same_one], 2, "git is said twice"


def mistakes(v):
    before = v.show()
    for line, code, says in (
            (["create", WS + "/x", "--host", "h"], 2, "--user U"),
            *forms(),
            (["create", WS + "/x", "--host", "h", "--user", "a", "--from",
              "a b"], 2, "--from"),
            (["create", WS + "/x", "--host", "h", "--user", "a", "--from",
              "a\",command=\"id"], 2, "--from"),
            (["set", T, "--for-runs", "--not-for-runs"], 2, "opposite"),
            (["set", T], 2, "say what is to be changed"),
            (["pin", T], 2, "--host-key"),
            (["pin", T, "--host-key", "ssh-rsa AAAA"], 2, "no line"),
            (["pin", T, "--host-key", "/no/such"], 2, "/no/such"),
            (["pin", T, "--host-key", "/etc/passwd"], 2, "no key"),
            (["pin", T, "--host-key", "other.example " + v.host], 2,
             "keys of other hosts, and none of 127.0.0.1"),
            (["settle", T], 2, "--version"),
            (["rotate", T, "--if-version", "7"], 8, ""),
            (["rotate", T, "--wait", "3s"], 2, "--wait means nothing"),
            (["rotate", T, "--login", "root"], 2, "without --authorize"),
            (["rotate", T, "--file", "x"], 2, "--file means nothing"),
            (["rotate", T, "--own-key"], 2, "--own-key means nothing"),
            (["rotate", T, "--agent", "/x"], 2, "--agent means nothing"),
            (["rotate", T, "--", "-i", "key"], 2, "ssh's options mean"),
            (["authorize", T, "--file", "a b"], 2, "--file"),
            (["authorize", T, "--login", "-x"], 2, "--login"),
            (["delete", T], 2, "--yes"),
            (["delete", T, "--yes=" + WS], 2, "nothing was done")):
        v.cofre("target", *line, code=code, says=says)
    for noun, name in (("target", T), ("ca", WS)):
        for verb in ("export", "private-key"):
            v.cofre(noun, verb, name, code=2, says="no private key leaves")
        v.cofre(noun, "import", name, v.access, code=2,
                says="no private key can be brought")
    v.cofre("ssh", T, code=9, says="no host key is pinned")
    v.cofre("target", "rotate", T, uid=READER, code=5)
    same(v.show(), before, "the target")
    v.cofre("target", "create", WS + "/six", "--host", "2001:db8::1",
            "--user", "u", "--port", "65535")
    v.cofre("target", "delete", WS + "/six", "--yes=" + WS + "/six")


class Changes:
    """In front of the daemon's socket: in what it answers, one text is
    another one of as many bytes, as no daemon lets in any more."""

    def __init__(self, v, old, new):
        self.v, self.old, self.new = v, old, new
        self.path = v.d.socket + ".changes"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(8)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            with c, socket.socket(socket.AF_UNIX) as d:
                d.connect(self.v.d.socket)
                self.pass_on(c, d)

    def pass_on(self, c, d):
        while True:
            for s in select.select([c, d], [], [])[0]:
                data = s.recv(1 << 16)
                if not data:
                    return
                if s is d:
                    data = data.replace(self.old, self.new)
                (d if s is c else c).sendall(data)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)


def not_for_ssh(v):
    """What can't be given to ssh can be looked at, and mended."""
    def cofre(*line, **more):
        # root's: the process that stands in between is.
        return v.cofre("--socket", odd.path, "target", *line, uid=0, **more)
    v.cofre("target", "set", T, "--user", "alice", "--from", "127.0.0.1")
    for old, new in ((b"alice", b"1lice"), (b"alice", b"-lice"),
                     (b"alice", b"al\x1bce"), (b"alice", b"a'; :"),
                     (b"127.0.0.1\0", b"-oX.0.0.1\0"),
                     (b'restrict,from="127.0.0.1"',
                      b'from="127.0.0.1",restrict')):
        odd = Changes(v, old, new)
        cofre("show", T)
        t = json.loads(cofre("show", T, "--json"))
        check(t["keys"], t)
        cofre("public-key", T)
        if b"from" in new:
            same(t["options"], new.decode(), "options")
            cofre("set", T, "--port", "22", code=2, says="--unrestricted")
            cofre("authorized-keys", T, code=9, says="target set")
        cofre("set", T, "--port", "22", "--user", "alice", "--restricted",
              "--from", "127.0.0.1", "--host", "127.0.0.1")
        cofre("pin", T, "--host-key", v.host)
        cofre("pin", T, "--none")
        for line in (("authorize", T, "--", "-F", "none", "-i", v.access),
                     ("rotate", T, "--authorize")):
            cofre(*line, code=9, says="not such that ssh")
        same(len(v.public()), 1, "keys")
        version = v.show()["keys"][0]["version"]
        cofre("rotate", T)
        cofre("settle", T, "--version", str(version))
        odd.close()


# --- authorize -------------------------------------------------------------------------

def authorize(v):
    """Other lines stay, nothing is there twice, and the host is pinned."""
    mine = harness.read_file(v.access + ".pub").decode()
    v.put_keys("# keys\n" + mine)
    out = v.authorize()
    line = v.cofre("target", "authorized-keys", T)
    same(v.keys_now(), "# keys\n" + mine + line, "the keys")
    check("now lets the key in" in out, out)
    pins = v.show()["host_keys"]
    same(len(pins), 1, "pins")
    check(pins[0] in subprocess.run(["ssh-keygen", "-lf",
                                     v.hostkey + ".pub"],
                                    stdout=subprocess.PIPE).stdout.decode(),
          "the pin is %s" % pins)
    check("already lets the key in" in v.authorize(), "a second time")
    same(v.keys_now(), "# keys\n" + mine + line, "the keys")
    # Other options come to the line that is there.
    v.cofre("target", "set", T, "--from", "127.0.0.1")
    v.authorize()
    line = v.cofre("target", "authorized-keys", T)
    check(line.startswith('restrict,from="127.0.0.1" '), line)
    same(v.keys_now(), "# keys\n" + mine + line, "the keys")
    check("no key of it in" in v.authorize("--remove"), "removed")
    same(v.keys_now(), "# keys\n" + mine, "the keys")
    v.authorize()
    # What is pinned counts, whatever the user's own files say.
    v.know("")
    v.authorize()


def as_root(v):
    """root logs in, and the account's file is the account's work."""
    home = os.path.join(v.place.dir, "root")
    keys = harness.write_file(home + ".keys", harness.read_file(
        v.access + ".pub"), 0o644)
    v.server.stop()
    v.server = v.place.serve(v.hostkey, PermitRootLogin="yes", StrictModes="no",
                             AuthorizedKeysFile=".ssh/authorized_keys " +
                             keys)
    shutil.rmtree(os.path.dirname(v.keys))
    out = v.authorize("--login", "root")
    same(v.keys_now(), v.cofre("target", "authorized-keys", T), "the keys")
    check("now" in out, out)
    # Nothing of another's is written through a link.
    victim = harness.write_file(os.path.join(v.place.dir, "victim"), "v\n")
    os.remove(v.keys)
    os.symlink(victim, v.keys)
    v.authorize("--login", "root", code=1, says="symbolic link")
    same(harness.read_file(victim), b"v\n", "what the link leads to")
    os.remove(v.keys)
    v.authorize("--login", "root", "--file", ".ssh/keys2")
    same(os.listdir(os.path.dirname(v.keys)), ["keys2"], "what is there")
    shutil.rmtree(os.path.dirname(v.keys))
    v.put_keys(harness.read_file(v.access + ".pub").decode())
    v.authorize()


def changed_host(v):
    """Another key: refused, and it is said which, however much the user's
    own configuration would let through."""
    before = v.keys_now()
    v.server.stop()
    v.server = v.place.serve(v.other)
    other = harness.read_file(v.other + ".pub").decode().strip()
    finger = subprocess.run(["ssh-keygen", "-lf", v.other + ".pub"],
                            stdout=subprocess.PIPE).stdout.decode().split()[1]
    for line in ("", other):
        v.know(line)
        for ssh in ((), ("-o", "StrictHostKeyChecking=no", "-o",
                         "UserKnownHostsFile=/dev/null")):
            v.authorize(ssh=ssh, code=5, says="has the host key " + finger)
            # ssh would advise to take a line out of a file that is gone.
            same(v.error.count("\n"), 1, "lines of %r" % v.error)
            check("which is pinned" in v.error, v.error)
    # A key that is given must be the one that is pinned.
    v.authorize("--host-key", other, code=8, says="'cofre target pin'")
    same(len(v.show()["host_keys"]), 1, "pins")
    v.cofre("target", "pin", T, "--host-key", v.other + ".pub", "--host-key",
            v.host)
    same(len(v.show()["host_keys"]), 2, "pins")
    v.authorize()
    same(v.keys_now(), before, "the keys")
    # Without a pin the user's ssh decides; it says no to one that it does not
    # know, and what is given beforehand is the only one.
    v.cofre("target", "pin", T, "--none")
    v.know("")
    v.authorize(code=10, says="say --host-key KEY, or answer")
    check("nothing was changed there" in v.error, v.error)
    same(v.show()["host_keys"], [], "pins")
    v.authorize("--host-key", v.host, code=5, says="which --host-key names")
    same(v.error.count("\n"), 1, "lines of %r" % v.error)
    check("pin" not in v.error, v.error)
    v.authorize("--host-key", other)
    same(v.show()["host_keys"], [finger], "pins")
    v.server.stop()
    v.server = v.place.serve(v.hostkey)
    v.cofre("target", "pin", T, "--host-key", v.host)


def hostile_hosts(v):
    """A host that does not run the script is not said to have run it."""
    mine = harness.read_file(v.access + ".pub").decode()
    for command in ("true", "cat >/dev/null; exit 1", "exit 62x",
                    "head -c 3000000 /dev/zero; exit 0",
                    "printf '\\033]0;x\\007\\033[2J'; exit 1",
                    "printf 'a\\n\\033]52;c;eA==\\007' >&2; exit 1"):
        v.put_keys('command="%s" %s' % (command, mine))
        v.authorize(code=1, says="could not be changed")
        # Nor does what it says do anything to a terminal.
        check(all(c == "\n" or c.isprintable() for c in v.error) and
              len(v.error) < 20000, "it says %r" % v.error[:2000])
        same(v.keys_now(), 'command="%s" %s' % (command, mine), "the keys")
    v.put_keys(mine)
    v.authorize()


# --- what ssh is given -------------------------------------------------------------------

FAKE = """#!/bin/sh
for word; do
	echo "word $word"
	case $word in
	UserKnownHostsFile=*|IdentityFile=*) sed 's/^/file /' "${word#*=}" ;;
	esac
done
ssh-add -l
exit 3
"""


def words(v):
    """ssh gets the pins, the target's key, and nothing of the user's."""
    fake = os.path.join(v.place.dir, "bin")
    os.mkdir(fake)
    os.chmod(fake, 0o755)
    harness.write_file(os.path.join(fake, "ssh"), FAKE, 0o755)
    front = Front(v.place, [], [WS])
    done = subprocess.run(
        [v.t.cofre(), "--socket", v.d.socket, "ssh", "-t", "--agent",
         front.path, T, "ls", "-l", "a b"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, user=ADMIN, group=ADMIN, extra_groups=[],
        env={"PATH": fake + ":/usr/bin:/bin"})
    same(done.returncode, 3, "its exit code\n%r" % done.stderr)
    lines = done.stdout.decode().splitlines()
    said = [x[5:] for x in lines if x.startswith("word ")]
    same(said[-9:], ["-o", "Port=22", "-l", "alice", "--", "127.0.0.1", "ls",
                     "-l", "a b"], "the last words")
    for word in ("StrictHostKeyChecking=yes", "HostKeyAlgorithms=ssh-ed25519",
                 "GlobalKnownHostsFile=/dev/null", "IdentitiesOnly=yes",
                 "HostKeyAlias=ml-prod.gpu", "ControlPath=none",
                 "ForwardAgent=no", "-oClearAllForwardings=yes", "-t"):
        check(word in said, "%s is not among %r" % (word, said))
    same(said[said.index("-F") + 1], "none", "the configuration")
    same([x[5:] for x in lines if x.startswith("file ")],
         ["ml-prod.gpu " + " ".join(v.host.split()[:2]), v.public()[0]],
         "the files")
    same(lines[-1], "The agent has no identities.", "the agent")
    same(front.peers[-1][1], ADMIN, "who asks the daemon")
    front.close()


# --- rotation --------------------------------------------------------------------------

def rotate(v):
    old, = v.public()
    out = v.cofre("target", "rotate", T, says="'cofre target settle %s "
                  "--version 2'" % T)
    same(out.splitlines(), v.public(), "what rotate prints")
    same([int(KEY.fullmatch(x).group(2)) for x in v.public()], [2, 1],
         "versions")
    v.cofre("target", "rotate", T, code=12, says="two keys already")
    v.authorize()
    for key in v.public():
        check(key in v.keys_now(), "both keys are there: " + v.keys_now())
    v.cofre("target", "settle", T, "--version", "1")
    same(v.public(), [old], "the key that stays")
    # The line of a key that was destroyed goes, and nobody else's.
    v.cofre("target", "rotate", T)
    v.cofre("target", "settle", T, "--version", "3")
    mine = harness.read_file(v.access + ".pub").decode()
    others = mine + "".join("ssh-ed25519 %s %s\n" % (v.other_blob, x) for x in
                            ("cofre:ml-prod/gp#1", "x cofre:ml-prod/gpu#1"))
    v.put_keys(others + v.keys_now().replace(mine, ""))
    check(old in v.keys_now() and "#2" in v.keys_now(), v.keys_now())
    v.authorize()
    same(v.keys_now(), others + v.cofre("target", "authorized-keys", T),
         "the keys")
    v.put_keys(others + old + "\n" + old.replace(old.split()[1],
                                                v.other_blob) + "\n")
    v.authorize("--remove")
    same(v.keys_now(), others, "the keys after --remove")
    v.authorize()


def delete(v):
    v.cofre("target", "delete", T, "--yes=" + T)
    v.cofre("target", "show", T, code=6)
    same(json.loads(v.cofre("target", "list", WS, "--json")), [], "the list")


def test(t):
    v = Vault(t)
    for part in (create, settings, mistakes, authorize, as_root,
                 changed_host, hostile_hosts, words, rotate, not_for_ssh,
                 delete):
        part(v)
        show("%s: good" % part.__name__)
    same(left_in_tmp(ADMIN), [], "what is left in /tmp")
    v.d.stop()


harness.main(test, limit=240)
