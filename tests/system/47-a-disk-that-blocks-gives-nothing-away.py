#!/usr/bin/env python3
"""The disk stands still under a running daemon (fsfreeze(8) on an ext4 of its
own).  What can't be recorded is not given out, and what can't be written is
not acknowledged, for as long as it lasts; whoever waits is told so by his own
clock; and when the disk goes on so does the daemon, by itself, and has lost
nothing."""
import os
import socket
import subprocess
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import Failure, check, same, show, status

SECRET = b"canary-on-a-frozen-disk"
FROZEN = 0.7        # seconds


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


def nothing_comes(c, what):
    try:
        data = c.socket.recv(1 << 16)
        check(False, "%s: %d bytes while the disk stands still, %s" % (
            what, len(data), "with the secret" if SECRET in data else
            "without the secret"))
    except socket.timeout:
        pass


def frozen(t, disk, d, op, values):
    """Ask for that while it stands still, and let it go on."""
    c = d.connect(timeout=FROZEN)
    start = c.log_end()
    number = 7000
    disk.freeze()
    try:
        c.send(op, number=number, **values)
        nothing_comes(c, op)
        late = wire.Connection(d.socket, greet=False, timeout=FROZEN)
        late.send_raw(wire.hello() + wire.request(
            "secret.get", workspace="w", name="n"))
        nothing_comes(late, "somebody who comes later")
    finally:
        disk.thaw()
    begin = time.monotonic()
    r = c.receive()
    status(r, "OK", op + " when it goes on")
    status(late.receive(), "OK", "the hello of who came later")
    same(late.receive().values(), dict(value=SECRET), "what he is given")
    late.close()
    check(time.monotonic() - begin < 1, op + " took too long then")
    found = [e["status"] for e in c.events(start=start)
             if e["request"] == number]
    same(found, [0], "records of " + op)
    c.close()


def test(t):
    harness.need_root("only root can mount a disk and freeze it")
    harness.own_mounts()
    disk = Disk(t)
    d = t.daemon(dict(look_timeout=60000), keyfile=t.keyfile(),
                 state=os.path.join(disk.path, "state"))
    c = d.init(harness.slot_key(harness.read_file(d.keyfile)))
    status(c.call("workspace.create", workspace="w"), "OK")
    status(c.put("w", "n", dict(value=SECRET)), "OK")
    for op, values in (
            ("secret.get", dict(workspace="w", name="n")),
            ("secret.put", dict(workspace="w", name="m",
                                fields=wire.fields(value=b"written"))),
            ("grant.add", dict(workspace="w", principal=wire.USER, id=47300,
                               role=wire.READER))):
        frozen(t, disk, d, op, values)
    same(c.get("w", "m").values(), dict(value=b"written"), "what was put")
    d.kill()
    d.start()
    c = d.connect()
    same(c.get("w", "m").values(), dict(value=b"written"), "after a kill")
    same(c.get("w", "n").values(), dict(value=SECRET), "after a kill")
    d.stop()
    t.run_cofre(d, "activity", "verify", d.state_dir)
    show("a disk that stands still: nothing is given out or acknowledged; "
         "all of it is when it goes on")


harness.main(test, limit=60)
