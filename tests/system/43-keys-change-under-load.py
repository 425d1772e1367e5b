#!/usr/bin/env python3
"""Logins with keys that stay in the vault, to a real sshd: by people, a
compute agent and runs, with a key or with a certificate alone.  A key is
changed while others log in, and none of them fails; a host with another key is
refused; git signs commits; what is revoked is in the KRL."""
import errno
import json
import os
import re
import select
import subprocess
import sys
import threading
import time
sys.dont_write_bytecode = True

import harness
from expect import check, same, show
from sshplace import Place, left_in_tmp, own_uids

ADMIN, AGENT, ALICE, OTHER = own_uids(4)
WS = "ml-prod"
T = WS + "/gpu"
KEY = re.compile(r"ssh-ed25519 \S+ cofre:ml-prod/gpu#(\d+)")
WAIT = "3s"


class World:
    def __init__(self, t):
        self.t = t
        self.d = harness.Daemon(t)
        self.agent = os.path.join(self.d.dir, "agent")
        self.d.configure(agent_socket=self.agent)
        self.d.start()
        self.d.init().close()
        self.place = Place(t, {"admin": ADMIN, "agent": AGENT,
                               "alice": ALICE, "other": OTHER})
        for line in (("workspace", "create", WS),
                     ("grant", WS, "user:%d" % ADMIN, "contributor"),
                     ("identity", "bind", WS, "--uid", str(AGENT))):
            self.cofre(*line, uid=0)
        self.access = self.place.make_key("access", ADMIN)
        self.hostkey = self.place.make_key("host")
        self.host = harness.read_file(self.hostkey + ".pub").decode().strip()
        self.server = self.place.serve(self.hostkey)
        self.keys = os.path.join(self.place.homes["alice"], ".ssh",
                                 "authorized_keys")
        os.mkdir(os.path.dirname(self.keys), 0o700)
        os.chown(os.path.dirname(self.keys), ALICE, ALICE)
        self.put_keys(harness.read_file(self.access + ".pub").decode())
        self.cofre("target", "create", T, "--host", "127.0.0.1", "--user",
                   "alice", "--for-runs", "--namespace", "git")

    def put_keys(self, text):
        harness.write_file(self.keys, text)
        os.chown(self.keys, ALICE, ALICE)

    def line(self, *arguments):
        return [self.t.cofre(), "--socket", self.d.socket, *arguments]

    def do(self, *arguments, uid=ADMIN, cwd="/"):
        return subprocess.run(
            self.line(*arguments), stdin=subprocess.DEVNULL, cwd=cwd,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=uid,
            group=uid, extra_groups=[], timeout=120,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})

    def cofre(self, *arguments, uid=ADMIN, code=0, says="", **more):
        done = self.do(*arguments, uid=uid, **more)
        error = done.stderr.decode()
        same(done.returncode, code, "exit code of %r\n%s%s" %
             (arguments, error, self.server.said()[-3000:]
              if hasattr(self, "server") else ""))
        check(says in error, "it says %r, not %r" % (error, says))
        return done.stdout.decode()

    def authorize(self, **more):
        return self.cofre("target", "authorize", T, "--host-key", self.host,
                          "--", "-F", "none", "-i", self.access, **more)

    def public(self):
        return self.cofre("target", "public-key", T).splitlines()

    def serve(self, hostkey=None, **settings):
        self.server.stop()
        self.server = self.place.serve(hostkey or self.hostkey, **settings)


# --- logins -----------------------------------------------------------------------

def nobody_before(w):
    w.cofre("ssh", T, "id", code=9, says="no host key is pinned")
    w.authorize()


def people(w):
    same(w.cofre("ssh", T, "id", "-un"), "alice\n", "a contributor")
    same(w.cofre("ssh", T, "echo 'a  b'; exit 7", code=7), "a  b\n",
         "output and exit code")
    # The identity does not see targets, but may use them.
    w.cofre("target", "show", T, uid=AGENT, code=5)
    same(w.cofre("ssh", T, "id", "-un", uid=AGENT), "alice\n",
         "the compute agent")
    w.cofre("ssh", T, "id", uid=OTHER, code=5)
    same(w.cofre("ssh", WS + "/none", "id", code=6), "", "no target")
    # Its own ssh finds the agent by itself, as any program does.
    out = w.cofre("ssh-agent", "-w", WS, "--", *own_ssh(w), "id", "-un",
                  uid=AGENT)
    same(out, "alice\n", "by an ssh of its own")
    # Who may not, or has named another workspace, is told so beforehand.
    for workspace, uid in ((WS, OTHER), ("ml-prodd", ADMIN)):
        w.cofre("ssh-agent", "-w", workspace, "--", "true", uid=uid, code=5,
                says="permission denied")


def at_terminal(w, *arguments, uid=ADMIN):
    """What a shell at a terminal says, and what cofre and ssh say."""
    master, slave = os.openpty()
    os.fchown(slave, uid, uid)
    p = subprocess.Popen(
        w.line("ssh", *arguments), stdin=slave, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, user=uid, group=uid, extra_groups=[], cwd="/")
    os.close(slave)
    os.write(master, b"tty; exit 7\n\4")
    out, error = p.communicate(timeout=60)
    os.close(master)
    same(p.returncode, 7, "exit code: %r" % error)
    return out.decode(), error.decode()


def terminals(w):
    """A restricted target gets none, and that is said once."""
    for uid, options in ((ADMIN, []), (AGENT, []),
                         (ADMIN, ["--from", "127.0.0.*"])):
        if options:     # such that there is no certificate
            w.cofre("target", "set", T, *options)
            w.authorize()
        out, error = at_terminal(w, T, uid=uid)
        same(out, "not a tty\n", "the shell")
        check(error.count("\n") == 1 and "target set %s --unrestricted" % T in
              error, error)
    out, error = at_terminal(w, "-t", T, "read x; eval $x")
    check(out == "not a tty\n" and "restricted" in error, (out, error))
    w.cofre("target", "set", T, "--unrestricted", "--from", "")
    w.authorize()
    out, error = at_terminal(w, T)
    check("/dev/pts/" in out and "restricted" not in error, (out, error))
    w.cofre("target", "set", T, "--restricted")
    w.authorize()


def own_ssh(w):
    known = harness.write_file(os.path.join(w.place.dir, "known"),
                               w.cofre("target", "known-hosts", T), 0o644)
    return ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o",
            "UserKnownHostsFile=" + known, "-o", "IdentityFile=none",
            "-l", "alice", "127.0.0.1"]


def known_hosts(w):
    """The pins, for who may see the target, and for who may use it alone."""
    key = " ".join(w.host.split()[:2])
    other = WS + "/other"
    w.cofre("target", "known-hosts", WS, uid=OTHER, code=5)
    w.cofre("target", "known-hosts", T, uid=OTHER, code=5)
    w.cofre("target", "known-hosts", WS + "/none", code=6)
    w.cofre("target", "known-hosts", "a b", code=2, says="'a b'")
    w.cofre("target", "create", other, "--host", "10.0.0.1", "--user", "u",
            "--port", "2022")
    w.cofre("target", "known-hosts", other, code=9, says="no host key is")
    w.cofre("target", "pin", other, "--host-key", w.host, "--host-key",
            w.access + ".pub")
    w.cofre("target", "create", WS + "/gpu2", "--host", "127.0.0.1",
            "--user", "u")
    w.cofre("target", "pin", WS + "/gpu2", "--host-key", w.host)
    access = " ".join(harness.read_file(w.access + ".pub").decode()
                      .split()[:2])
    same(w.cofre("target", "known-hosts", WS).splitlines(),
         sorted(["127.0.0.1 " + key, "[10.0.0.1]:2022 " + key,
                 "[10.0.0.1]:2022 " + access]), "those of all")
    same(w.cofre("target", "known-hosts", T), "127.0.0.1 %s\n" % key, "of one")
    # Neither the identity nor a run sees targets.
    same(w.cofre("target", "known-hosts", T, uid=AGENT),
         "127.0.0.1 %s\n" % key, "for the identity")
    w.cofre("target", "known-hosts", WS, uid=AGENT, code=5)
    same(w.cofre("run", "exec", "-w", WS, "--no-secrets", "--",
                 *w.line("target", "known-hosts", T)),
         "127.0.0.1 %s\n" % key, "for a run")
    for name in (other, WS + "/gpu2"):
        w.cofre("target", "delete", name, "--yes=" + name)
    w.cofre("target", "pin", T, "--none")
    same(w.cofre("target", "known-hosts", WS, says="no target of"), "",
         "of none")
    w.cofre("target", "pin", T, "--host-key", w.host)


def runs(w):
    """A run logs in, with secrets or without; its end is the end."""
    w.cofre("run", "exec", "-w", WS, "--", "true", code=2,
            says="--no-secrets")
    w.cofre("run", "exec", "-w", WS, "--no-secrets", "--", "true", uid=OTHER,
            code=5)
    same(w.cofre("run", "exec", "-w", WS, "--no-secrets", "--",
                 *w.line("ssh", T, "id", "-un")), "alice\n", "a run")
    accepted = [x for x in w.server.said().splitlines() if "Accepted" in x]
    check(" ssh2: ED25519" in accepted[-1], accepted[-1])
    listed = w.cofre("run", "exec", "-w", WS, "--no-secrets", "--",
                     *w.line("ssh-agent", "-w", WS, "--", "ssh-add", "-L"))
    same([x.split()[0] for x in listed.splitlines()],
         ["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"],
         "what a run is listed")
    w.cofre("target", "set", T, "--not-for-runs")
    w.cofre("run", "exec", "-w", WS, "--no-secrets", "--",
            *w.line("ssh", T, "id"), code=5,
            says="'cofre target set %s --for-runs'" % T)
    # There is nothing for the run, and it may look for more.
    same(w.cofre("run", "exec", "-w", WS, "--no-secrets", "--",
                 *w.line("ssh-agent", "-w", WS, "--", "echo", "on"),
                 says="the agent has no key"), "on\n", "the command")
    w.cofre("target", "set", T, "--for-runs")
    same(run_ends(w), 5, "exit code after the run's end")


def run_ends(w):
    """The run is ended while its process waits to log in."""
    p = subprocess.Popen(
        w.line("run", "exec", "-w", WS, "--no-secrets", "--", "sh", "-c",
               'echo; read x; exec "$@"', "sh", *w.line("ssh", T, "id")),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=ADMIN,
        stderr=subprocess.PIPE, group=ADMIN, extra_groups=[])
    p.stdout.readline()
    run, = [r for r in json.loads(w.cofre("run", "list", WS, "--json"))
            if r["state"] == "active"]
    w.cofre("run", "end", WS, run["run"])
    p.communicate(b"\n", timeout=60)
    return p.returncode


def page():
    """The manual."""
    return harness.read_file(os.path.join(
        os.path.dirname(os.path.abspath(__file__)),
        "../../doc/cofre-ssh.7")).decode()


# --- by way of another host ---------------------------------------------------------

def jumps(w):
    """As the manual has it: the other host lets in by a key of the user's."""
    manual = page()
    text = re.search(r"^\$ cat jump.conf\n(.*?)^\$", manual, re.M | re.S).group(1)
    jumpkey = w.place.make_key("jump")
    jump = w.place.serve(jumpkey, ListenAddress="127.0.0.2")
    known = harness.write_file(
        os.path.join(w.place.dir, "known-jump"), "127.0.0.2 " +
        harness.read_file(jumpkey + ".pub").decode(), 0o644)
    own = os.path.join(w.place.homes["admin"], "own-agent")
    agent = subprocess.Popen(
        ["ssh-agent", "-D", "-a", own], stdout=subprocess.DEVNULL, user=ADMIN,
        group=ADMIN, extra_groups=[])
    try:
        until("the user's agent is there", lambda: os.path.exists(own))
        subprocess.run(["ssh-add", "-q", w.access], check=True, user=ADMIN,
                       group=ADMIN, extra_groups=[],
                       env={"SSH_AUTH_SOCK": own})
        for old, new in (("gpu.example", "127.0.0.1"), ("me@", "alice@"),
                         ("jump.example", "127.0.0.2"),
                         ("/home/me/.ssh/agent", own),
                         ("/home/me/.ssh/known_hosts", known)):
            check(old in text, "%s is not in %r" % (old, text))
            text = text.replace(old, new)
        config = harness.write_file(os.path.join(w.place.dir, "jump.conf"),
                                    text, 0o644)
        same(w.cofre("ssh", "--config", config, T, "id", "-un"), "alice\n",
             "by way of another host")
        same(jump.said().count("Accepted publickey"), 1, "logins there")
        check("already" in w.cofre("target", "authorize", T, "--", "-F", config,
                                   "-i", w.access), "authorize")
        same(jump.said().count("Accepted publickey"), 2, "logins there")
    finally:
        agent.terminate()
        agent.wait()
        jump.stop()


# --- certificates -----------------------------------------------------------------

def certificates(w):
    """A host that trusts the CA and has no key lets in by certificate."""
    ca = harness.write_file(os.path.join(w.place.dir, "ca.pub"),
                            w.cofre("ca", "public-key", WS), 0o644)
    krl = os.path.join(w.place.dir, "krl")
    w.cofre("ca", "krl", WS, "--output", krl, uid=0)
    same(oct(os.stat(krl).st_mode & 0o7777), "0o644", "mode of the KRL")
    w.serve(TrustedUserCAKeys=ca, RevokedKeys=krl)
    keys = harness.read_file(w.keys).decode()
    w.put_keys("")
    same(w.cofre("ssh", T, "id", "-un"), "alice\n", "with a certificate")
    said = re.findall(r"Accepted certificate ID \"(\S+)\" \(serial (\d+)\)|"
                      r"ID (\S+) \(serial (\d+)\) CA", w.server.said())
    check(said and said[-1][2] == "ml-prod/user:%d" % ADMIN,
          "who has logged in: %r\n%s" % (said, w.server.said()))
    serial = int(said[-1][3])
    same(w.cofre("ssh", T, "id", "-un", uid=AGENT), "alice\n", "the identity")
    same(w.cofre("run", "exec", "-w", WS, "--no-secrets", "--",
                 *w.line("ssh", T, "id", "-un")), "alice\n", "a run")
    check(re.search(r"ID ml-prod/[0-9a-f]{32} \(serial", w.server.said()),
          w.server.said())
    # With plain keys alone nobody gets in; so it was the certificate.
    w.cofre("ssh-agent", "-w", WS, "--", *own_ssh(w), "id", code=255)
    forced(w)
    revoked(w, krl, serial)
    w.put_keys(keys)
    w.serve()


def forced(w):
    """One that is asked for lets in for one command, from some addresses."""
    for bad in (("--command", ""), ("--command", "a\nb"),
                ("--source-address", "h.example"), ("--lifetime", "2h"),
                ("--lifetime", "0")):
        w.cofre("ca", "user", T, *bad, code=2, says=bad[0])
    w.cofre("ca", "user", T, uid=OTHER, code=5)
    w.cofre("ca", "user", WS + "/none", code=6)
    line = w.cofre("ca", "user", T, "--command", "echo forced; id -un",
                   "--source-address", "127.0.0.0/8", "--lifetime", "5m",
                   says="serial ")
    cert = harness.write_file(os.path.join(w.place.dir, "forced-cert.pub"),
                              line, 0o644)
    text = subprocess.run(["ssh-keygen", "-L", "-f", cert], check=True,
                          stdout=subprocess.PIPE).stdout.decode()
    for words in ("force-command echo forced; id -un",
                  "source-address 127.0.0.0/8",
                  'Key ID: "ml-prod/user:%d"' % ADMIN):
        check(words in text, "%s is not in:\n%s" % (words, text))
    key = harness.write_file(os.path.join(w.place.dir, "gpu.pub"),
                             w.public()[0] + "\n", 0o644)
    line = [x.replace("=none", "=" + key) for x in own_ssh(w)]
    line[1:1] = ["-o", "IdentitiesOnly=yes", "-o", "CertificateFile=" + cert]
    ask = ("ssh-agent", "-w", WS, "--", *line, "true")
    same(w.cofre(*ask), "forced\nalice\n", "what is executed")
    # It is of no use to others, who may use the target as well.
    w.cofre(*ask, uid=AGENT, code=255)


def revoked(w, krl, serial):
    """By its serial, and by the end of a run."""
    cert = os.path.join(w.place.dir, "host-cert.pub")
    w.cofre("ca", "host", T, "--output", cert, "--name", "gpu.example",
            "--name", "127.0.0.1", "--lifetime", "90d", uid=0)
    text = subprocess.run(["ssh-keygen", "-L", "-f", cert], check=True,
                          stdout=subprocess.PIPE).stdout.decode()
    for words in ('Key ID: "ml-prod/host:gpu"', "host certificate",
                  "gpu.example\n                127.0.0.1"):
        check(words in text, "%s is not in:\n%s" % (words, text))
    number = re.search(r"Serial: (\d+)", text).group(1)
    check(int(number) > serial, "serials: %s after %d" % (number, serial))
    query = ["ssh-keygen", "-Q", "-f", krl, cert]
    w.cofre("ca", "krl", WS, "-o", krl, uid=0)
    same(subprocess.run(query, stdout=subprocess.DEVNULL).returncode, 0,
         "not in the KRL")
    w.cofre("ca", "revoke", WS, number, uid=AGENT, code=5)
    w.cofre("ca", "revoke", WS, number, says="by 'cofre ca krl %s'" % WS)
    w.cofre("ca", "revoke", WS, str(1 << 52), code=6,
            says="no certificate of that serial")
    w.cofre("ca", "revoke", WS, number, "--until", "-1h", code=9,
            says="over already")
    for bad in ("0", "x", "-1", "1e3", "9" * 30):
        w.cofre("ca", "revoke", WS, "--", bad, code=2, says="no serial")
    old = os.stat(krl).st_ino
    w.cofre("ca", "krl", WS, "-o", krl, uid=0)
    check(os.stat(krl).st_ino != old, "it is a new file")
    same(subprocess.run(query, stdout=subprocess.DEVNULL).returncode, 1,
         "in the KRL")
    brought_there(w, krl)
    # On an error the old one stays, and nothing is left beside it.
    before = harness.read_file(krl)
    w.cofre("ca", "krl", "nowhere", "-o", krl, uid=0, code=6)
    w.cofre("ca", "krl", WS, "-o", w.place.dir, uid=0, code=2,
            says="can't be written")
    w.cofre("ca", "krl", WS, "-o", krl, code=2, says="can't be written")
    same(harness.read_file(krl), before, "the KRL")
    same([n for n in os.listdir(w.place.dir) if n.startswith("krl.")], [],
         "left beside it")
    same(w.do("ca", "krl", WS).stdout[:8], b"SSHKRL\n\0", "on stdout")


def brought_there(w, krl):
    """As the manual does it, to a host that is not this machine."""
    line, = re.findall(r"^\* \* \* \* \* (cofre ca .*\n.*)$", page(), re.M)
    there = os.path.join(w.place.homes["alice"], "krl")
    os.mkdir(there)
    os.chown(there, ALICE, ALICE)
    done = os.path.join(there, "cofre-krl")
    cofre = " ".join(w.line())
    line = line.replace("\n", "").replace("/etc/ssh/krl", there).replace(
        WS + "/krl", T)
    for workspace, good in ((WS, True), ("nowhere", False)):
        p = subprocess.run(
            ["sh", "-c", re.sub(r"\bcofre (ca|ssh)\b", cofre + r" \1",
                                line.replace("krl %s |" % WS, "krl %s |" %
                                             workspace))],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, user=ADMIN,
            group=ADMIN, extra_groups=[])
        same(p.returncode == 0, good, p.stderr)
        same(subprocess.run(["ssh-keygen", "-Qlf", done],
                            stdout=subprocess.PIPE).stdout.split(b"\n")[2:],
             subprocess.run(["ssh-keygen", "-Qlf", krl],
                            stdout=subprocess.PIPE).stdout.split(b"\n")[2:],
             "what is there")


def hosts(w):
    """Who trusts the CA knows a host by its certificate."""
    cert = os.path.join(w.place.dir, "host-cert.pub")
    w.cofre("ca", "host", T, "-o", cert, uid=0)
    known = harness.write_file(
        os.path.join(w.place.dir, "known-ca"), w.cofre(
            "ca", "public-key", WS, "--known-hosts", "127.0.0.*"), 0o644)
    w.serve(HostCertificate=cert)
    done = subprocess.run(
        ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o",
         "UserKnownHostsFile=" + known, "-i", w.access, "-o",
         "StrictHostKeyChecking=yes", "alice@127.0.0.1", "id", "-un"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, user=ADMIN,
        group=ADMIN, extra_groups=[], stderr=subprocess.PIPE)
    same(done.stdout, b"alice\n", "by its certificate: %r" % done.stderr)
    # Pinned keys go on being so.
    same(w.cofre("ssh", T, "id", "-un"), "alice\n", "by the pin")
    other = w.place.make_key("not-pinned")
    w.cofre("ca", "host", T, "--host-key", other + ".pub", code=8,
            says="not pinned")
    for name in ("a,b", "a b", "", "*", "h:22", "u@h", "[::1]", "a" * 256):
        w.cofre("ca", "host", T, "--name", name, code=2,
                says="--name '%s' is no host" % name[:100])
    w.cofre("ca", "host", T, "--name", "a.example", "--name", "2001:db8::1")
    w.cofre("ca", "host", T, "--lifetime", "366d", code=2, says="--lifetime")
    w.cofre("ca", "public-key", WS, "--known-hosts", "a b", code=2,
            says="names of hosts")
    w.serve()


# --- rotation ---------------------------------------------------------------------

class Load(threading.Thread):
    """Logs in again and again, in some way."""

    def __init__(self, w, *command, uid=ADMIN):
        super().__init__()
        self.w, self.command, self.uid = w, command, uid
        self.ends, self.done, self.failed = False, 0, []
        self.start()

    def run(self):
        while not self.ends:
            p = self.w.do(*self.command, uid=self.uid)
            self.done += 1
            if (p.returncode, p.stdout) != (0, b"in\n"):
                self.failed.append((p.returncode, p.stdout, p.stderr))

    def end(self):
        self.ends = True
        self.join()
        same(self.failed, [], "logins that failed, of %d by %r" %
             (self.done, self.command[0]))
        return self.done


def rotates(w, *options):
    """The key changes under load."""
    old, = w.public()
    loads = [Load(w, "ssh", T, "echo", "in"),
             Load(w, "ssh", T, "echo", "in", uid=AGENT),
             Load(w, "ssh-agent", "-w", WS, "--", *own_ssh(w), "echo", "in",
                  uid=AGENT)]
    before = time.monotonic()
    out = w.cofre("target", "rotate", T, "--authorize", "--wait", WAIT,
                  *options)
    took = time.monotonic() - before
    counts = [x.end() for x in loads]
    check(min(counts) > 2, "logins meanwhile: %r" % counts)
    new, = w.public()
    version = int(KEY.fullmatch(old).group(1)) + 1
    same(KEY.fullmatch(new).group(1), str(version), "the version")
    check("version %d is the key" % version in out, out)
    text = harness.read_file(w.keys).decode()
    check(new in text and old.split()[1] not in text, text)
    same(w.cofre("ssh", T, "id", "-un"), "alice\n", "with the new key")
    show("a key changed in %.1f s, during %r logins" % (took, counts))


def rotation(w):
    rotates(w, "--own-key")
    rotates(w, "--", "-F", "none", "-i", w.access)
    w.cofre("target", "rotate", T, "--authorize", "--wait", "2h", code=2,
            says="--wait")
    # By its own key alone, as the administrator has no other.
    keys = "".join(x + "\n" for x in
                   harness.read_file(w.keys).decode().splitlines()
                   if "cofre:" in x)
    w.put_keys(keys)
    w.cofre("target", "rotate", T, "--authorize", "--own-key", "--wait", "0")
    w.cofre("target", "authorize", T, "--own-key")
    same(len(harness.read_file(w.keys).splitlines()), 1, "lines")


# Connects, waits, and passes on what comes: one process, which takes its
# connection with it when ssh ends it.
HOLD = """import os, select, socket
s = socket.create_connection(("127.0.0.1", 22))
with open(%r, "rb") as f:
    f.read()
ends = {0: s.sendall, s.fileno(): lambda data: os.write(1, data)}
while True:
    for fd in select.select(list(ends), [], [])[0]:
        data = os.read(fd, 65536)
        if not data:
            raise SystemExit
        ends[fd](data)
"""


def until(what, function):
    end = time.monotonic() + 60
    while not function():
        check(time.monotonic() < end, "it does not come that " + what)
        select.select([], [], [], 0.01)


def opens(fifo, held):
    """Whether somebody reads it; held has it open then."""
    try:
        held.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as e:
        same(e.errno, errno.ENXIO, "to open %s" % fifo)
    return held


def begun_before(w):
    """A login that has begun with the old key alone, and asks for its
    signature when the new one is proved."""
    fifo = os.path.join(w.place.dir, "hold")
    os.mkfifo(fifo)
    os.chmod(fifo, 0o644)
    program = harness.write_file(os.path.join(w.place.dir, "hold.py"),
                                 HOLD % fifo, 0o644)
    config = harness.write_file(os.path.join(w.place.dir, "held"),
                                "ProxyCommand /usr/bin/python3 %s\n" %
                                program, 0o644)
    as_admin = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, user=ADMIN, group=ADMIN,
                    extra_groups=[])
    held = []
    login = subprocess.Popen(w.line("ssh", "--config", config, T, "echo",
                                    "in"), **as_admin)
    until("it has connected", lambda: opens(fifo, held) or
          login.poll() is not None)
    check(held, "the login ends: %r" % (held or login.communicate()[1]))
    rotation = subprocess.Popen(
        w.line("target", "rotate", T, "--authorize", "--own-key", "--wait",
               "10s"), **as_admin)
    until("there are two keys", lambda: len(w.public()) == 2)
    keys = json.loads(w.cofre("target", "show", T, "--json"))["keys"]
    until("the new one is proved", lambda: re.search(
        "Accepted publickey .* " + re.escape(keys[0]["fingerprint"]),
        w.server.said()))
    os.close(held.pop())
    out, error = login.communicate(timeout=60)
    same((login.returncode, out), (0, b"in\n"), "the login: %r" % error)
    out, error = rotation.communicate(timeout=60)
    same(rotation.returncode, 0, "the rotation: %r" % error)


def half_way(w):
    """Where the new key does not let in, the old one stays."""
    old, = w.public()
    w.serve(AuthorizedKeysFile=".ssh/other")
    with_ca = os.path.join(os.path.dirname(w.keys), "other")
    harness.write_file(with_ca, harness.read_file(w.keys))
    os.chown(with_ca, ALICE, ALICE)
    done = w.do("target", "rotate", T, "--authorize", "--own-key", "--wait",
                "0")
    check(done.returncode != 0, "a key that does not let in is settled for")
    check(b"the same command goes on" in done.stderr, done.stderr)
    same(len(w.public()), 2, "keys")
    same(w.cofre("ssh", T, "id", "-un"), "alice\n", "with the old key")
    os.unlink(with_ca)
    w.serve()
    line = ("target", "rotate", T, "--authorize", "--own-key", "--wait", "0",
            "--if-version")
    version = int(KEY.fullmatch(old).group(1))
    for other in (0, version - 1, version + 2, 77):
        w.cofre(*line, str(other), code=8, says="is neither")
        same(len(w.public()), 2, "keys")
    w.cofre(*line, str(version))
    new, = w.public()
    check(new != old, "the same command goes on")
    same(w.cofre("ssh", T, "id", "-un"), "alice\n", "with the new key")


def another_key(w):
    """A login that another key has opened proves nothing of the new one."""
    access = harness.read_file(w.access + ".pub").decode()
    w.put_keys(harness.read_file(w.keys).decode() + access)
    config = os.path.join(w.place.homes["admin"], ".ssh", "config")
    os.mkdir(os.path.dirname(config), 0o700)
    os.chown(os.path.dirname(config), ADMIN, ADMIN)
    for own in (("--own-key",), ()):
        for words in (("-F", "none", "-i", w.access), ("-T",)):
            harness.write_file(config, "IdentityFile %s\n" % w.access
                               if words == ("-T",) else "", 0o644)
            w.cofre("target", "rotate", T, "--authorize", *own, "--wait",
                    "0", "--file", ".ssh/unread", "--", *words, code=10,
                    says="not by version")
            same(len(w.public()), 2, "keys")
            same(w.cofre("ssh", T, "id", "-un"), "alice\n",
                 "with the old key")
    os.unlink(config)
    # By way of another host, which is entered with another key.
    jump = harness.write_file(
        os.path.join(w.place.dir, "jump"), "Host jump\nHostName 127.0.0.1\n"
        "IdentityAgent none\nUser alice\nStrictHostKeyChecking no\n"
        "UserKnownHostsFile /dev/null\nHost *\nIdentityFile %s\n" %
        w.access, 0o644)
    for own in (("--own-key",), ()):
        for way in (("-J", "jump"), ("-o", "ProxyCommand=ssh -F %s -W "
                                     "[%%h]:%%p jump" % jump)):
            old = w.public()
            w.cofre("target", "rotate", T, "--authorize", *own, "--wait",
                    "0", "--", "-F", jump, *way)
            check(w.public()[0] != old[-1], "another key by %r" % (way,))
            same(len(w.public()), 1, "keys")
    same(w.cofre("ssh", T, "id", "-un"), "alice\n", "with the new key")


def changed_host(w):
    other = w.place.make_key("changed")
    finger = subprocess.run(["ssh-keygen", "-lf", other], check=True,
                            stdout=subprocess.PIPE).stdout.decode().split()[1]
    key = w.public()
    w.serve(other)
    done = w.do("ssh", T, "id")
    error = done.stderr.decode()
    same(done.returncode, 5, error)
    check("has the host key " + finger in error and error.count("\n") == 1,
          error)
    w.cofre("target", "rotate", T, "--authorize", "--own-key", code=5,
            says="has the host key " + finger)
    check(key[0] in w.public(), "the old key is there")
    old = KEY.fullmatch(key[0]).group(1)
    w.cofre("target", "rotate", T, "--authorize", "--own-key", code=5,
            says="version %d of the key is made and waits" % (int(old) + 1))
    back = "'cofre target settle %s --version %s' takes it back" % (T, old)
    w.serve(other, Port=2022)
    w.cofre("target", "rotate", T, "--authorize", "--own-key", code=10,
            says=back)
    w.serve(other)
    w.cofre("target", "settle", T, "--version", old)
    check("Accepted" not in w.server.said(), w.server.said())
    w.cofre("target", "pin", T, "--host-key", other + ".pub")
    same(w.cofre("ssh", T, "id", "-un"), "alice\n", "with the pin changed")
    w.serve()
    w.cofre("target", "pin", T, "--host-key", w.host)


# --- files ------------------------------------------------------------------------

def signs_commits(w):
    home = w.place.homes["admin"]
    repo = os.path.join(home, "repo")
    signer = harness.write_file(os.path.join(home, "signer.pub"),
                                w.public()[0] + "\n", 0o644)
    allowed = harness.write_file(
        os.path.join(home, "allowed"), 'm@example namespaces="git" %s\n' %
        " ".join(w.public()[0].split()[:2]), 0o644)
    git = ["env", "HOME=" + home, "git", "-C", repo, "-c", "gpg.format=ssh",
           "-c", "user.signingkey=" + signer, "-c", "user.name=M", "-c",
           "user.email=m@example", "-c", "gpg.ssh.allowedSignersFile=" +
           allowed]
    inside = ("ssh-agent", "-w", WS, "--")
    # What is neither a login nor a file is not signed.
    w.cofre(*inside, "ssh-add", "-T", signer, code=1)
    w.cofre(*inside, "env", "HOME=" + home, "git", "init", "-q", repo,
            cwd=home)
    w.cofre(*inside, *git, "commit", "-q", "-S", "--allow-empty", "-m",
            "signed")
    done = w.do(*inside, *git, "verify-commit", "HEAD")
    check(b'Good "git" signature for m@example' in done.stderr, done.stderr)
    harness.write_file(os.path.join(home, "text"), "x", 0o644)
    w.cofre(*inside, "ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f",
            signer, os.path.join(home, "text"), code=255)
    w.cofre("target", "set", T, "--no-namespaces")
    done = w.do(*inside, *git, "commit", "-q", "-S", "--allow-empty", "-m", "x")
    check(done.returncode != 0, "it signs where it may not")


# --- the end ----------------------------------------------------------------------

def at_once(w):
    w.cofre("ungrant", WS, "user:%d" % ADMIN, "contributor", uid=0)
    w.cofre("ssh", T, "id", code=5)
    same(w.cofre("ssh", T, "id", "-un", uid=AGENT), "alice\n",
         "somebody else")
    w.cofre("lock", uid=0)
    w.cofre("ssh", T, "id", uid=AGENT, code=7)
    w.cofre("ssh-agent", "-w", WS, "--", "true", uid=AGENT, code=7,
            says="the vault is locked")


def test(t):
    w = World(t)
    for part in (nobody_before, people, terminals, known_hosts, runs, jumps,
                 certificates, hosts, rotation, begun_before, half_way,
                 another_key, changed_host, signs_commits, at_once):
        part(w)
        show("%s: good" % part.__name__)
    same(left_in_tmp(ADMIN, AGENT, OTHER), [], "what is left in /tmp")
    w.d.stop()


harness.main(test, limit=300)
