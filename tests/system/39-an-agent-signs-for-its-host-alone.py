#!/usr/bin/env python3
"""The daemon as an ssh-agent: real ssh and sshd, and clients that lie.

Who may log in where, with a key or a certificate that never leave the vault;
that a signature is made for the session, host and user that it was asked for
and for nothing else; that it ends at once; and what is recorded.
"""
import os
import pwd
import re
import shutil
import struct
import subprocess
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
import sshagent
from expect import Skip, check, same, show, status
from people import start_of
from search import Needles, seeds_of, vault_keys
from sshagent import Client, Key, login, sshsig

# ssh wants its user to have an account, so they are some of the system's.
ACCOUNTS = sorted(p.pw_uid for p in pwd.getpwall() if 0 < p.pw_uid < 100)[:4]
OWNER, AGENT, USER, STRANGER = ACCOUNTS if len(ACCOUNTS) == 4 else [0] * 4
WS = "lab"
HOST = Key(b"h" * 32)       # of hosts that are not there
SESSION = bytes(range(32))


class World:
    def __init__(self, t):
        self.t = t
        self.keyfile = t.keyfile()
        d = self.d = harness.Daemon(t, keyfile=self.keyfile)
        self.path = os.path.join(d.dir, "agent")
        d.configure(agent_socket=self.path)
        d.start()
        d.init(harness.slot_key(harness.read_file(self.keyfile))).close()
        self.sshd = sshagent.Sshd(os.path.join(t.dir, "sshd"))
        t.undo.append(self.sshd.end)
        self.heard = []
        self.people = {uid: t.agent(uid) for uid in
                       (OWNER, AGENT, USER, STRANGER)}
        self.connect()
        self.known = os.path.join(t.dir, "client")
        os.mkdir(self.known, 0o755)
        os.chmod(self.known, 0o755)
        harness.write_file(
            self.known + "/known", "[127.0.0.1]:%d %s" %
            (self.sshd.port, sshagent.line(self.sshd.host_key())), 0o644)

    def connect(self):
        self.root = self.d.connect()
        self.owner = self.people[OWNER].connect(self.d.socket)

    def ask(self, op, want="OK", by=None, **values):
        r = (by or self.owner).call(op, workspace=WS, **values)
        status(r, want, op)
        self.heard.append(r.data)
        return r.fields

    def make(self, name, **more):
        more = {**dict(host="127.0.0.1", port=self.sshd.port, user="root"),
                **more}
        return sshagent.blob(self.ask("target.create", name=name,
                                      **more)["public"])

    def pin(self, name, *keys):
        self.ask("target.pin", name=name, if_revision=wire.NO_ID,
                 pins=[dict(key=k) for k in keys])

    def recorded(self, op, since=0):
        """Statuses and details of the records of an operation; how many
        refusals more there were is told at any time later."""
        return [(wire.STATUS_NAME[e["status"]], e["object"].decode(),
                 e["detail"].decode()) for e in self.root.events(start=since)
                if e["op"] == op and e["type"] == wire.REQUESTED and
                not e["flags"] & wire.REPEATED]

    def ssh(self, uid, *more, **options):
        return self.people[uid].do(run_ssh, sshagent.ssh_command(
            self.sshd.port, self.path, self.known, *more, **options))


IDENTITIES, SIGN_OP, BIND_OP, OTHER_OP = 109, 110, 111, 114


def run_ssh(command):
    done = subprocess.run(command + ["echo", "in"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)
    return done.returncode, done.stdout + done.stderr


def run(command, path, stdin=b""):
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60,
                          env=dict(os.environ, SSH_AUTH_SOCK=path))
    return done.returncode, done.stdout.decode()


def logged_in(result, what):
    same(result, (0, b"in\n"), what)


def refused(result, what):
    check(result[0] != 0 and b"in\n" not in result[1].split(b"debug")[0],
          "%s: %r" % (what, result))


def set_up(w):
    c = w.root
    status(c.call("workspace.create", workspace=WS), "OK")
    for uid, role in ((OWNER, "owner"), (USER, "contributor")):
        status(c.call("grant.add", workspace=WS, principal=wire.USER, id=uid,
                      role=role), "OK")
    status(c.call("identity.bind", workspace=WS, uid=AGENT, gid=wire.NO_ID),
           "OK")
    status(c.call("grant.remove", workspace=WS, principal=wire.USER, id=0,
                  role="owner"), "OK")
    status(w.owner.put(WS, "a", {"value": b"x"}), "OK")
    w.box = w.make("box", namespaces=[dict(namespace="git")])
    w.pin("box", w.sshd.host_key())
    w.sshd.put("authorized", sshagent.line(w.box))
    w.node = w.make("node", for_runs=1)
    w.pin("node", w.sshd.host_key())
    w.lie = w.make("lie", for_runs=1, user="train", namespaces=[
        dict(namespace="file@cofre.example")])
    w.pin("lie", HOST.blob)


# --- OpenSSH's own programs ------------------------------------------------

def logs_in(w):
    logged_in(w.ssh(AGENT), "the compute agent")
    logged_in(w.ssh(USER), "a contributor")
    refused(w.ssh(STRANGER), "a stranger")
    signed = [r for r in w.recorded(SIGN_OP) if r[0] == "OK"]
    same(len(signed), 2, "signatures")
    fingerprint = sshagent.keygen("-l", "-f", w.sshd.dir + "/host.pub")
    same(re.sub("session [0-9a-f]{8} ", "", signed[0][2]),
         "host " + fingerprint.stdout.decode().split()[1], "recorded")
    same(signed[0][1], "lab/box", "of the target")
    by = [e for e in w.root.events() if e["op"] == SIGN_OP]
    same([(e["principal"], e["uid"]) for e in by],
         [(wire.IDENTITY, AGENT), (wire.USER, USER)], "as whom")


def lists(w):
    code, text = w.people[AGENT].do(run, ["ssh-add", "-l"], w.path)
    same(code, 0, text)
    same(sorted(line.split()[2] for line in text.splitlines()),
         ["cofre:lab/%s#1" % n for n in ("box", "lie", "node")], "ssh-add -l")
    _, text = w.people[AGENT].do(run, ["ssh-add", "-L"], w.path)
    check(sshagent.line(w.box, "cofre:lab/box#1") in text, text)
    same(w.people[STRANGER].do(run, ["ssh-add", "-l"], w.path)[0], 1,
         "a stranger's keys")


def takes_nothing(w):
    """Its keys are made in the vault: it takes, drops and locks none."""
    agent, key = w.people[AGENT], w.known + "/mine"
    sshagent.keygen("-q", "-t", "ed25519", "-N", "", "-f", key)
    os.chown(key, AGENT, AGENT)
    public = w.known + "/box.pub"
    harness.write_file(public, sshagent.line(w.box), 0o644)
    for command in (["ssh-add", key], ["ssh-add", "-t", "60", "-c", key],
                    ["ssh-add", "-d", public], ["ssh-add", "-D"],
                    ["ssh-add", "-T", public],
                    ["ssh-add", "-s", "/usr/lib/x.so"]):
        code, text = agent.do(run, command, w.path, b"pin\n")
        check(code != 0, "%r: %s" % (command, text))
    answers = agent.do(other_messages, w.path)
    same(set(answers), {(5, b"")}, "answers")
    same(len(agent.do(run, ["ssh-add", "-L"], w.path)[1].splitlines()), 3,
         "keys after that")
    said = [r[2].split()[0] for r in w.recorded(OTHER_OP)]
    for name in ("add-identity", "add-constrained", "remove-identity",
                 "remove-all", "add-smartcard", "lock", "unlock"):
        check(name in said, "%s is not in the record: %r" % (name, said))


def other_messages(path):
    c = Client(path)
    return [c.ask(sshagent.message(n, rest)) for n in range(256)
            for rest in (b"", sshagent.string(b"x"))
            if n not in (11, 13, 27) or (n, rest) == (11,
                                                    sshagent.string(b"x"))]


def signs_files(w):
    agent, public = w.people[AGENT], w.known + "/box.pub"
    code, text = agent.do(run, ["ssh-keygen", "-Y", "sign", "-n", "git",
                                "-f", public], w.path, b"a commit\n")
    same(code, 0, text)
    at = text.index("-----BEGIN")
    path = harness.write_file(w.known + "/sig", text[at:], 0o644)
    same(sshagent.keygen("-Y", "check-novalidate", "-n", "git", "-s", path,
                         stdin=b"a commit\n").returncode, 0, "verified")
    code, text = agent.do(run, ["ssh-keygen", "-Y", "sign", "-n", "file",
                                "-f", public], w.path, b"x")
    check(code != 0, "a namespace that is not the target's: " + text)
    same([r[2] for r in w.recorded(SIGN_OP)][-2:],
         ["sshsig git", "the target signs nothing of this namespace"],
         "recorded")


def other_hosts(w):
    """What ssh asks for is refused when host or user are not the target's."""
    refused(w.ssh(AGENT, user="nobody"), "another user")
    w.pin("box")
    refused(w.ssh(AGENT), "no pin")
    w.pin("box", HOST.blob)
    refused(w.ssh(AGENT), "a host key that changed")
    w.pin("box", HOST.blob, w.sshd.host_key())
    logged_in(w.ssh(AGENT), "one of two pins")
    # Such a key is not even offered; who asks all the same is refused.
    agent = w.people[AGENT]
    for pins, offered in (((), []), ((w.sshd.host_key(),), []),
                          ((HOST.blob,), [b"cofre:lab/lie#1"])):
        w.pin("lie", *pins)
        w.pin("box", w.sshd.host_key())
        found, signature = agent.do(offers, w.path, w.lie)
        same([comment for _, comment in found], offered, "offered")
        same(signature is not None, bool(offered), "a signature")
    same(len(agent.do(offers, w.path)[0]), 3, "where no session is bound")
    same(agent.do(offers, w.path, w.lie, 1), ([], None), "where forwarded")
    why = [r[2] for r in w.recorded(SIGN_OP) if r[0] == "DENIED"]
    for text in ("it is for another user than the target's",
                 "the target has no pinned host key",
                 "the host's key is not pinned at the target"):
        check(text in why, "%s: not in %r" % (text, why))


def offers(path, key=None, forwarding=0):
    """What is offered, and a signature, in a session that is bound."""
    c = Client(path)
    if key is None:
        return c.keys(), None
    check(c.binds(HOST, SESSION, forwarding=forwarding), "not bound")
    return c.keys(), c.signs(key, login(SESSION, "train", key))


# --- a client that lies ----------------------------------------------------

def lies(path, target, other):
    """What must be refused: [(what, was it?)], and what was answered."""
    key = login(SESSION, "train", target)
    bad, found = b"\7" * 32, []
    heard = []

    def fresh():
        c = Client(path)
        heard.append(c)
        return c

    def case(what, c, data, blob=target, **more):
        found.append((what, c.signs(blob, data, **more) is None))

    c = fresh()
    found.append(("bound", not c.binds(HOST, SESSION)))     # it must work
    found.append(("signed", c.signs(target, key) is None))
    found.append(("flags", c.signs(target, key, flags=7) is None))
    found.append(("hostbound", c.signs(target, login(
        SESSION, "train", target, HOST.blob)) is None))
    found.append(("again", not c.binds(HOST, SESSION)))
    good = len(found)
    case("no session", fresh(), key)
    case("another session", c, login(bad, "train", target))
    case("another user", c, login(SESSION, "root", target))
    case("another service", c, login(SESSION, "train", target,
                                     service="ssh-userauth"))
    case("another host", c, login(SESSION, "train", target, other))
    case("another key in it", c, login(SESSION, "train", other))
    case("another key asked for", c, key, other)
    case("a byte more", c, key + b"\0")
    case("a byte less", c, key[:-1])
    case("nothing", c, b"")
    case("bytes", c, b"\xff" * 32)
    case("a cut file", c, sshsig("file@cofre.example")[:-1])
    case("a namespace", c, sshsig("git"))
    case("sha1", c, sshsig("file@cofre.example", "sha1"))
    for name in (b"ssh-rsa", b"ssh-dss", b"ecdsa-sha2-nistp256",
                 b"sk-ssh-ed25519@openssh.com", b"rsa-sha2-512", b"",
                 b"ssh-ed25519-cert-v01@openssh.com"):
        for flags in (0, 2, 4, 255):
            case("algorithm %r" % name, c, login(
                SESSION, "train", target, algorithm=name), flags=flags)
            case("type %r" % name, c, key, sshagent.string(name) +
                 target[15:], flags=flags)
    for blob in (target[:-1], target + b"\0", b"", sshagent.string(
            b"ssh-ed25519") + sshagent.string(target[-31:])):
        case("blob of %d bytes" % len(blob), c, key, blob)
    found.append(("a second session", not c.binds(HOST, bad)))
    found.append(("another host's", not c.binds(Key(b"o" * 32), SESSION)))
    c = fresh()
    found.append(("a bad signature", not c.binds(
        HOST, SESSION, signature=HOST.sign(bad))))
    found.append(("another's signature", not c.binds(
        HOST, SESSION, signature=Key(b"o" * 32).sign(SESSION))))
    # Of small order, with which any signature would be good; and not
    # canonical.
    for point in (bytes(32), b"\1" + bytes(31),
                  b"\xec" + b"\xff" * 30 + b"\x7f", b"\xff" * 32):
        found.append(("a point", not c.binds(
            HOST, SESSION, key=sshagent.blob(point),
            signature=sshagent.string(b"ssh-ed25519") +
            sshagent.string(point + bytes(32)))))
    case("after them", c, key)
    c = fresh()
    c.binds(HOST, bad, forwarding=1)
    c.binds(HOST, SESSION)
    case("forwarded", c, key)
    case("a file, forwarded", c, sshsig("file@cofre.example"))
    c = fresh()
    for i in range(16):
        c.binds(HOST, bytes([i + 1]) * 32, forwarding=1)
    found.append(("one too many", not c.binds(HOST, SESSION, forwarding=1)))
    # What is chosen is all that there is.
    c = fresh()
    c.ask(sshagent.message(27, sshagent.string("workspace@cofre") +
                           sshagent.string("other")))
    c.binds(HOST, SESSION)
    case("in another workspace", c, key)
    found.append(("keys of another workspace", c.keys() == []))
    # For good: who was given a connection of a workspace has no other.
    for name, taken in (("other", True), ("lab", False)):
        kind, _ = c.ask(sshagent.message(27, sshagent.string(
            "workspace@cofre") + sshagent.string(name)))
        found.append(("the choice of %s" % name,
                      (kind == sshagent.SUCCESS) == taken))
    case("in it still", c, key)
    return good, found, b"".join(c.heard for c in heard)


def liars(w):
    good, found, heard = w.people[AGENT].do(lies, w.path, w.lie, w.box)
    w.heard.append(heard)
    same([f for f in found[:good] if f[1]], [], "refused")
    same([f[0] for f in found[good:] if not f[1]], [], "not refused")
    same(w.people[STRANGER].do(stranger_signs, w.path, w.lie), None,
         "a stranger's signature")
    same(w.recorded(SIGN_OP)[-1], ("DENIED", "lab/lie", ""), "recorded")
    same(w.people[STRANGER].do(stranger_signs, w.path, HOST.blob), None,
         "of a key that is none")
    why = {r[2] for r in w.recorded(SIGN_OP) + w.recorded(BIND_OP)}
    for text in ("no session is bound", "the agent was forwarded",
                 "another workspace was chosen", "too many sessions",
                 "the session is another host's", "the host has not signed it",
                 "the connection is another session's",
                 "it is another session than the one that is bound"):
        check(text in why, "%s: not in %r" % (text, why))
    show("%d lies are refused" % (len(found) - good))


def stranger_signs(path, key):
    c = Client(path)
    c.binds(HOST, SESSION)
    return c.signs(key, login(SESSION, "train", key))


def nonsense(path, key):
    """Lengths; many at once; answers in order."""
    for length in (0, 128 * 1024 - 3, 256 * 1024 + 1, 2 ** 32 - 1):
        c = Client(path)
        same(c.ask(struct.pack(">I", length)), (5, b""), "length %d" % length)
        same(c.receive(), None, "closed")
    c = Client(path)
    c.binds(HOST, SESSION)
    same(c.ask(sshagent.message(5, bytes(128 * 1024 - 5))), (5, b""),
         "the longest message")
    data = login(SESSION, "train", key)
    one, no = sshagent.sign(key, data), sshagent.sign(key, b"")
    first = c.signs(key, data)
    for _ in range(20):
        c.socket.sendall((one + no) * 50)
        for i in range(100):
            kind, body = c.receive()
            check((kind, body[-64:]) == ((14, first) if i % 2 == 0 else
                                         (5, b"")), "answer %d" % i)
    return True


def handed_on(path, key):
    """Another process on the same socket, and this one after it."""
    c = Client(path)
    c.binds(HOST, SESSION)
    data = login(SESSION, "train", key)
    check(c.signs(key, data), "its own")
    if os.fork() == 0:
        os._exit(0 if c.ask(sshagent.sign(key, data)) == (5, b"") else 1)
    code = os.waitstatus_to_exitcode(os.wait()[1])
    return code, c.ask(sshagent.message(11))


def robust(w):
    w.people[AGENT].do(nonsense, w.path, w.lie)
    code, then = w.people[AGENT].do(handed_on, w.path, w.lie)
    same((code, then), (0, None), "a socket that was handed on")
    same(w.recorded(SIGN_OP)[-1][0], "OTHER_PROCESS", "recorded")
    c = w.people[AGENT].connect(w.d.socket)
    for op in range(109, 115):
        c.send_raw(wire.frame(op, b"", op))
        same(c.receive().status_name, "UNKNOWN_OPERATION",
             "op %d on the other socket" % op)


# --- runs and certificates -------------------------------------------------

def run_process(w, command):
    """A process of the compute agent's user that waits to become that
    command; its pid."""
    return w.people[AGENT].do(spawn_waiting, command)


children = {}


def spawn_waiting(command):
    p = subprocess.Popen(["/bin/sh", "-c", 'read x; exec "$@"', "sh",
                          *command], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    children[p.pid] = p
    return p.pid


def let_go(pid, data=b"\n"):
    p = children.pop(pid)
    return p.communicate(data, timeout=60)[0], p.returncode


def start_run(w, pid, **more):
    c = w.people[AGENT].connect(w.d.socket)
    r = c.call("run.start", workspace=WS, target=wire.PROCESS, pid=pid,
               start=start_of(pid), uid=wire.NO_ID, secrets=[dict(name="a")],
               **more)
    return status(r, "OK", "run.start").fields["run"]


def ssh_of(w, *more):
    return sshagent.ssh_command(w.sshd.port, w.path, w.known, *more) + [
        "echo", "in"]


def runs(w):
    """A run logs in with a certificate of its own, and only while it is."""
    shown = w.ask("ca.show")
    ca = sshagent.blob(shown["public"])
    w.sshd.put("ca", sshagent.line(ca))
    w.sshd.put("krl", w.ask("ca.krl")["krl"])
    w.sshd.put("authorized", "")
    refused(w.ssh(AGENT), "no key is authorized")
    pid = run_process(w, ssh_of(w))
    run_id = start_run(w, pid)
    same(w.people[AGENT].do(let_go, pid), (b"in\n", 0), "a run's login")
    name = "%s/%s" % (WS, run_id.hex())
    said = [r for r in w.recorded(SIGN_OP) if " serial " in r[2]][-1]
    serial = int(said[2].split()[-1])
    same(said[:2], ("OK", "lab/node"), "recorded")
    check("ID %s (serial %d) CA" % (name, serial) in w.sshd.log(),
          "sshd's log:\n" + w.sshd.log())
    listed = [e for e in w.root.events(WS) if e["op"] == IDENTITIES][-1]
    same((listed["principal"], listed["detail"]), (
        wire.RUN, b"2 identities, certificates of serial %d to %d" %
        (serial, serial)), "listed, in the log of the run's workspace")


def keys_of_runs(w):
    """What a run is listed; and an open connection of it dies with it."""
    talker = w.t.agent(AGENT)
    run_id = start_run(w, talker.pid)
    keys = talker.do(open_client, w.path)
    comments = [k[1].decode() for k in keys]
    same(comments, ["cofre:lab/lie", "cofre:lab/lie#1", "cofre:lab/node",
                    "cofre:lab/node#1"], "a run's keys")
    cert = keys[0][0]
    path = harness.write_file(w.known + "/c-cert.pub", sshagent.line(cert),
                              0o644)
    text = sshagent.keygen("-L", "-f", path).stdout.decode()
    for words in ("user certificate", 'Key ID: "lab/%s"' % run_id.hex(),
                  "Principals: \n                train\n",
                  "permit-pty", "Critical Options: (none)"):
        check(words in text, "%s is not in:\n%s" % (words, text))
    data = login(SESSION, "train", cert,
                 algorithm=b"ssh-ed25519-cert-v01@openssh.com")
    box = login(SESSION, "root", w.box)
    good, other, plain, closed = talker.do(run_signs, cert, data, w.lie,
                                           w.box, box)
    check(good and plain, "a run's signatures")
    same((other, closed), (None, None), "with a target that is not for runs")
    # The same certificate in the hands of somebody else.
    same(w.people[AGENT].do(agent_signs, w.path, cert, data), None,
         "somebody else's certificate")
    same(w.recorded(SIGN_OP)[-1][2], "the certificate is somebody else's",
         "recorded")
    w.ask("run.end", by=w.owner, run=run_id)
    same(talker.do(run_asks_again, w.path, cert, data),
         (None, None, None), "after its end: the connection, a new one")
    same([r[0] for r in w.recorded(SIGN_OP)][-1], "RUN_ENDED", "recorded")
    krl = harness.write_file(w.known + "/krl", w.ask("ca.krl")["krl"], 0o644)
    same(sshagent.keygen("-Q", "-f", krl, path).returncode, 1,
         "the KRL has the run")
    ended = run_process(w, ssh_of(w))
    w.ask("run.end", by=w.owner, run=start_run(w, ended))
    out, code = w.people[AGENT].do(let_go, ended)
    check(code != 0, "a run that was ended logs in: %r" % out)


def open_client(path):
    open_client.c = Client(path)
    return open_client.c.keys()


def run_signs(cert, data, plain, other, other_data):
    c = open_client.c
    c.binds(HOST, SESSION)
    return (c.signs(plain, data), c.signs(other, other_data),
            c.signs(plain, login(SESSION, "train", plain)),
            c.signs(other, sshsig("git")))


def run_asks_again(path, cert, data):
    """The connection is closed; and a new one has nothing."""
    closed = open_client.c.ask(sshagent.sign(cert, data))
    c = Client(path)
    c.binds(HOST, SESSION)
    return closed, c.signs(cert, data), c.keys()


def agent_signs(path, cert, data):
    c = Client(path)
    c.binds(HOST, SESSION)
    return c.signs(cert, data)


def certificates(w):
    """ca.user, ca.host and ca.revoke, as OpenSSH reads them."""
    agent = w.people[AGENT].connect(w.d.socket)
    f = w.ask("ca.user", by=agent, name="lie", validity=60,
              command="/bin/true", addresses="127.0.0.1/32")
    left = f["before"] / 1000000 - time.time()
    check(50 < left <= 60, "it lasts %d s" % left)
    path = harness.write_file(w.known + "/u-cert.pub",
                              sshagent.line(f["certificate"]), 0o644)
    text = sshagent.keygen("-L", "-f", path).stdout.decode()
    for words in ("Serial: %d" % f["serial"], 'Key ID: "lab/user:%d"' % AGENT,
                  "force-command /bin/true", "source-address 127.0.0.1/32"):
        check(words in text, "%s is not in:\n%s" % (words, text))
    for bad in (dict(validity=3601), dict(command="a\nb"),
                dict(addresses="x"), dict(addresses="10.0.0.1/8")):
        w.ask("ca.user", "INVALID", by=agent, name="lie", **bad)
    w.ask("ca.user", "NOT_FOUND", by=agent, name="none")
    data = login(SESSION, "train", f["certificate"],
                 algorithm=b"ssh-ed25519-cert-v01@openssh.com")
    check(w.people[AGENT].do(agent_signs, w.path, w.lie, data), "with it")
    krl = w.known + "/krl"
    harness.write_file(krl, w.ask("ca.krl")["krl"], 0o644)
    same(sshagent.keygen("-Q", "-f", krl, path).returncode, 0, "in no KRL")
    w.ask("ca.revoke", "DENIED", by=agent, serial=f["serial"],
          until=f["before"])
    w.ask("ca.revoke", serial=f["serial"], until=f["before"])
    w.ask("ca.revoke", serial=f["serial"], until=f["before"])
    w.ask("ca.revoke", "INVALID", serial=f["serial"], until=1)
    w.ask("ca.revoke", "NOT_FOUND", serial=0, until=f["before"])
    w.ask("ca.revoke", "NOT_FOUND", serial=f["serial"] + 1,
          until=f["before"])
    w.ask("ca.revoke", "INVALID", serial=f["serial"],
          until=f["before"] + 366 * 86400 * 1000000)
    harness.write_file(krl, w.ask("ca.krl")["krl"], 0o644)
    same(sshagent.keygen("-Q", "-f", krl, path).returncode, 1, "in the KRL")
    same(w.people[AGENT].do(agent_signs, w.path, w.lie, data), None,
         "with a revoked one")
    same(w.recorded(SIGN_OP)[-1][2], "the certificate is revoked", "recorded")
    h = w.ask("ca.host", name="lie", key=HOST.blob,
              hosts=[dict(host="login.example"), dict(host="10.0.0.1")])
    path = harness.write_file(w.known + "/h-cert.pub",
                              sshagent.line(h["certificate"]), 0o644)
    text = sshagent.keygen("-L", "-f", path).stdout.decode()
    for words in ("host certificate", 'Key ID: "lab/host:lie"',
                  "login.example\n                10.0.0.1"):
        check(words in text, "%s is not in:\n%s" % (words, text))
    for bad in (dict(key=HOST.blob[:-1]), dict(hosts=[]),
                dict(key=w.sshd.host_key()), dict(hosts=[dict(host="*")]),
                dict(hosts=[dict(host="a,b")]), dict(validity=31536001)):
        w.ask("ca.host", "INVALID", name="lie",
              **{**dict(key=HOST.blob, hosts=[dict(host="x")]), **bad})
    w.ask("ca.host", "DENIED", by=agent, name="lie", key=HOST.blob,
          hosts=[dict(host="x")])
    check(h["serial"] > f["serial"], "serials")
    certified_as_set(w, agent)
    some_names_certify_nobody(w)
    return h["serial"]


def options_of(w, certificate):
    """What ssh-keygen says of its options: critical ones, and extensions."""
    path = harness.write_file(w.known + "/o-cert.pub",
                              sshagent.line(certificate), 0o644)
    text = sshagent.keygen("-L", "-f", path).stdout.decode()
    critical, extensions = text.split("Critical Options: ")[1].split(
        "Extensions: ")
    return critical.split(), extensions.split()


ALL = ["permit-X11-forwarding", "permit-agent-forwarding",
       "permit-port-forwarding", "permit-pty", "permit-user-rc"]


def certified_as_set(w, agent):
    """A certificate lets in as the target's line of authorized_keys does."""
    asked = dict(by=agent, name="set")
    w.make("set", user="train", for_runs=1)
    w.pin("set", HOST.blob)
    talker = w.t.agent(AGENT)
    run_id = start_run(w, talker.pid)
    for options, want in (
            ("", (["(none)"], ALL)), ("restrict", (["(none)"], ["(none)"])),
            ('restrict,from="10.0.0.0/8,::1"',
             (["source-address", "10.0.0.0/8,::1"], ["(none)"])),
            ('from="10.0.0.1"', (["source-address", "10.0.0.1"], ALL))):
        w.ask("target.set", name="set", host="h", port=22, user="train",
              for_runs=1, options=options, if_revision=wire.NO_ID)
        same(options_of(w, w.ask("ca.user", **asked)["certificate"]), want,
             "options %r" % options)
        keys = talker.do(open_client, w.path)
        same([options_of(w, k) for k, c in keys if c == b"cofre:lab/set"],
             [want], "options %r, by the agent" % options)
    w.ask("ca.user", "INVALID", addresses="10.0.0.2/32", **asked)
    # A name, a wildcard, an exception: no certificate can say that.
    for who in ("h.example", "10.*", "10.0.0.0/8,!10.0.0.1"):
        w.ask("target.set", name="set", host="h", port=22, user="train",
              for_runs=1, options='from="%s"' % who, if_revision=wire.NO_ID)
        w.ask("ca.user", "INVALID", **asked)
        same([c for _, c in talker.do(open_client, w.path)
              if c.startswith(b"cofre:lab/set")], [b"cofre:lab/set#1"],
             "keys, from %s" % who)
    w.ask("run.end", by=w.owner, run=run_id)
    w.ask("target.delete", name="set")


def some_names_certify_nobody(w):
    """Who may make targets of some names does not say who logs in where the
    CA is trusted, nor who other hosts are."""
    given = dict(principal=wire.USER, id=STRANGER, role="contributor",
                 prefix="dev-")
    w.ask("grant.add", **given)
    some = w.people[STRANGER].connect(w.d.socket)
    settings = dict(host="127.0.0.1", port=22, user="root")
    w.ask("target.create", by=some, name="dev-x", **settings)
    w.ask("target.pin", by=some, name="dev-x", if_revision=wire.NO_ID,
          pins=[dict(key=HOST.blob)])
    for by in (some, w.owner):
        w.ask("ca.user", "INVALID", by=by, name="dev-x")
        same(w.ask("target.show", name="dev-x")["for_ca"], 0, "for the CA")
    w.ask("ca.host", "DENIED", by=some, name="dev-x", key=HOST.blob,
          hosts=[dict(host="login.example")])
    # The owner decides, until somebody else sets it again.
    for by, decided in ((w.owner, 1), (some, 0)):
        w.ask("target.set", by=by, name="dev-x", if_revision=wire.NO_ID,
              **settings)
        same(w.ask("target.show", name="dev-x")["for_ca"], decided, "set")
        w.ask("ca.user", "OK" if decided else "INVALID", by=some,
              name="dev-x")
    w.ask("target.delete", name="dev-x")
    w.ask("grant.remove", **given)


def at_once(w, serial):
    """A grant that is revoked, a lock and an unlock, on an open connection;
    serials after a restart."""
    person = w.people[USER]
    same(person.do(open_and_sign, w.path, w.lie), True, "before")
    w.ask("grant.remove", principal=wire.USER, id=USER, role="contributor")
    same(person.do(sign_again, w.lie), (None, []), "without a grant")
    w.ask("grant.add", principal=wire.USER, id=USER, role="contributor")
    check(person.do(sign_again, w.lie)[0], "with one again")
    key = harness.slot_key(harness.read_file(w.keyfile))
    status(w.root.call("vault.lock"), "OK")
    same(person.do(sign_again, w.lie), (None, None), "locked")
    refused(w.ssh(AGENT), "a login while it is locked")
    status(w.root.call("vault.unlock", key=key), "OK")
    check(person.do(sign_again, w.lie)[0], "unlocked")
    w.ask("target.delete", name="lie")
    same(person.do(sign_again, w.lie)[0], None, "a key that is gone")
    block = w.ask("ca.show")["next_serial"]
    check(serial < block <= serial + 1024, "after an unlock: %d" % block)
    w.d.kill()
    w.d.start()
    w.connect()
    same(w.ask("ca.show")["next_serial"], block, "after a kill")


def open_and_sign(path, key):
    open_client.c = Client(path)
    open_client.c.binds(HOST, SESSION)
    return open_client.c.signs(key, login(SESSION, "train", key)) is not None


def sign_again(key):
    c = open_client.c
    return c.signs(key, login(SESSION, "train", key)), c.keys()


def seeds(w):
    """The private keys, read out of a copy with the root key."""
    return seeds_of(vault_keys(w.t, w.d, w.keyfile))


def test(t):
    harness.need_root()
    if not (shutil.which("ssh") and shutil.which("sshd", path="/usr/sbin")):
        raise Skip("there is no OpenSSH")
    if OWNER == 0:
        raise Skip("there are no four accounts with a number below 100")
    w = World(t)
    set_up(w)
    secret = seeds(w)
    for part in (logs_in, lists, takes_nothing, signs_files, other_hosts,
                 liars, robust):
        part(w)
    runs(w)
    keys_of_runs(w)
    at_once(w, certificates(w))
    check(len(secret) == 5, "keys of three targets, a CA and the store")
    same(Needles(secret).find(b"\0".join(w.heard)), [], "a private key")
    same(Needles(secret).find(w.d.stderr().encode()), [], "in stderr")
    w.d.stop()


harness.main(test, limit=180)
