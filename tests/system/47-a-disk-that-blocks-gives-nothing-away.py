#!/usr/bin/env python3
"""The disk stands still under a running daemon (fsfreeze(8) on an ext4 of its
own).  What can't be recorded is not given out, and what can't be written is
not acknowledged, for as long as it lasts: whoever asks is refused within a
second, and told why, whether his request was being served, waits behind that
one, or comes later.  Who does not ask is left alone.  When the disk goes on so
does the daemon, by itself, and has lost nothing."""
import os
import signal
import socket
import subprocess
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
import sshagent
from expect import Failure, check, same, show, status

SECRET = b"canary-on-a-frozen-disk"
LIMIT = 1.0         # seconds until somebody is refused
IDLE = 64
WORDS = "the disk of the daemon's state directory does not answer"


def tool(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise Failure("%s: %s" % (" ".join(command), done.stdout.decode()))


class Disk:
    """An ext4 in a file."""

    def __init__(self, t):
        image = os.path.join(t.dir, "image")
        self.path = os.path.join(t.dir, "disk")
        os.mkdir(self.path)
        with open(image, "wb") as f:
            f.truncate(64 << 20)
        tool("mkfs.ext4", "-q", image)
        tool("mount", "-o", "loop", image, self.path)
        t.undo.append(lambda: tool("umount", self.path))
        self.frozen = False
        t.undo.append(self.thaw)

    def freeze(self):
        tool("fsfreeze", "-f", self.path)
        self.frozen = True

    def thaw(self):
        if self.frozen:
            tool("fsfreeze", "-u", self.path)
        self.frozen = False


class Clock:
    """What comes after it must come within the limit."""

    def __init__(self):
        self.begin = time.monotonic()

    def check(self, what):
        took = time.monotonic() - self.begin
        check(took < LIMIT, "%s: it took %.2f s" % (what, took))
        return took


def refused(c, clock, what):
    """That connection is, with no word more."""
    r = c.receive()
    clock.check(what)
    check(r is not None, what + ": it ends without a word")
    same((r.op, r.id), (0, 0), what + ": what the reply is about")
    status(r, "BLOCKED", what)
    same(c.receive(), None, what + ": what comes behind it")
    c.close()


def says(t, d, what, *arguments):
    """The command says so."""
    clock = Clock()
    done = subprocess.run([t.cofre(), "--socket", d.socket, *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    clock.check(what)
    text = done.stdout.decode()
    same(done.returncode, 12, "%s: exit code; it says %s" % (what, text))
    check(WORDS in text and "dmesg" in text and "by itself" in text, text)
    check(SECRET.decode() not in text, text)


def goes_on(d, times):
    """It has told on its standard error, so many times now, that it stood
    still: who asks from here on is answered."""
    end = time.monotonic() + 10
    while d.stderr().count("the disk did not answer for ") < times:
        check(time.monotonic() < end, "it does not go on: " + d.stderr())
        time.sleep(0.01)


def stand_still(t, disk, d, agent, op, values):
    """Ask for that while it stands still; all others are refused, too."""
    c = d.connect()
    idle = [d.connect() for _ in range(IDLE)]
    asks = [d.connect() for _ in range(2)]
    client = sshagent.Client(agent)
    others = sshagent.Client(agent)
    usual = client.ask(sshagent.message(sshagent.LIST))
    told = d.stderr().count("the disk did not answer for ")
    disk.freeze()
    try:
        clock = Clock()
        number = c.send(op, **values)
        late = wire.Connection(d.socket, greet=False)
        late.send_raw(wire.hello() + wire.request(
            "secret.get", workspace="w", name="n"))
        asks[0].send("secret.get", workspace="w", name="n")
        refused(c, clock, op)
        took = clock.check(op)
        refused(late, clock, "somebody who has come later")
        refused(asks[0], clock, "somebody who asks behind that")
        clock = Clock()
        asks[1].send("status")
        refused(asks[1], clock, "status")
        clock = Clock()
        same(client.ask(sshagent.message(sshagent.LIST)),
             (sshagent.FAILURE, b""), "what an ssh client is told")
        same(sshagent.Client(agent).ask(sshagent.message(sshagent.LIST)),
             (sshagent.FAILURE, b""), "and one that comes later")
        clock.check("the ssh clients")
        says(t, d, "cofre get", "get", "w/n")
        says(t, d, "cofre status", "status")
        check(not any(i.has_come() for i in idle), "idle ones are told")
    finally:
        disk.thaw()
    goes_on(d, told + 1)
    clock = Clock()
    for i in idle:
        status(i.call("status"), "OK", "an idle one when it goes on")
    clock.check("when it goes on")
    same(others.ask(sshagent.message(sshagent.LIST)), usual,
         "an idle ssh client when it goes on")
    same(idle[0].get("w", "n").values(), dict(value=SECRET), "the secret then")
    for i in idle:
        i.close()
    show("%s: refused after %.2f s" % (op, took))
    return number


def note_of(d, c, start):
    """The one record of it."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found = [e for e in c.events(start=start)
                 if e["type"] == wire.SYSTEM and
                 e["status"] == wire.STATUS["BLOCKED"]]
        if found:
            break
    same(len(found), 1, "notes of it")
    text = found[0]["detail"].decode()
    check("the disk did not answer for " in text and
          "; 8 connections refused" in text, text)
    check(text in d.stderr(), d.stderr())


def stopped(d):
    """A daemon that was stopped, with requests to serve, refuses nobody."""
    c = d.connect()
    d.signal(signal.SIGSTOP)
    try:
        c.send("secret.get", workspace="w", name="n")
        late = wire.Connection(d.socket, greet=False, timeout=0.5)
        late.send_raw(wire.hello())
        for one, how_long in ((c, LIMIT), (late, 0.5)):
            one.socket.settimeout(how_long)
            try:
                check(False, "it is told %r" % one.receive())
            except socket.timeout:
                one.socket.settimeout(30)
    finally:
        d.signal(signal.SIGCONT)
    same(c.receive().values(), dict(value=SECRET), "when it goes on")
    status(late.receive(), "OK", "who came meanwhile")
    c.close()
    late.close()


def killed(d):
    """The sentry ends with the daemon, and the daemon with it."""
    ends = os.pidfd_open(harness.sentry_of(d))
    d.kill()
    harness.wait_end(ends)
    d.start()
    os.kill(harness.sentry_of(d), signal.SIGKILL)
    same(d.wait(), 1, "exit code without the sentry")
    check("its sentry has ended" in d.stderr(), d.stderr())
    d.start()


def test(t):
    harness.need_root("only root can mount a disk and freeze it")
    harness.own_mounts()
    disk = Disk(t)
    agent = os.path.join(t.dir, "agent")
    d = t.daemon(dict(look_timeout=60000, agent_socket=agent),
                 keyfile=t.keyfile(), state=os.path.join(disk.path, "state"))
    c = d.init(harness.slot_key(harness.read_file(d.keyfile)))
    status(c.call("workspace.create", workspace="w"), "OK")
    status(c.put("w", "n", dict(value=SECRET)), "OK")
    stopped(d)
    made = {}
    for op, values in (
            ("secret.get", dict(workspace="w", name="n")),
            ("secret.put", dict(workspace="w", name="m",
                                fields=wire.fields(value=b"written"))),
            ("grant.add", dict(workspace="w", principal=wire.USER, id=47300,
                               role=wire.READER))):
        start = c.log_end()
        stand_still(t, disk, d, agent, op, values)
        note_of(d, c, start)
        made[op] = [e["status"] for e in c.events(start=start)
                    if e["op"] == wire.OPERATIONS[op][0]]
    # It was made, and is recorded so, or neither.
    r = c.get("w", "m")
    done = made["secret.put"] == [0]
    status(r, "OK" if done else "NOT_FOUND", "what was put: %s" % made)
    killed(d)
    c = d.connect()
    status(c.get("w", "m"), "OK" if done else "NOT_FOUND", "after a kill")
    same(c.get("w", "n").values(), dict(value=SECRET), "after a kill")
    c.close()
    d.stop()
    t.run_cofre(d, "activity", "verify", d.state_dir)
    show("a disk that stands still: nothing is given out or acknowledged, "
         "and all who ask are told so within a second")


harness.main(test, limit=120)
