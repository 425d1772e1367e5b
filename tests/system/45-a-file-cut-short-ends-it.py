#!/usr/bin/env python3
"""The files of a running daemon are cut short.  It ends with an exit code of
its own, says which file it was, dumps nothing, and answers no request with
anything but what is true; and what it had acknowledged is there once the file
is put back."""
import os
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status

ENDED = 74
SEGMENT = "activity/0000000000000000.log"


class Vault:
    def __init__(self, t):
        self.key = t.keyfile()
        self.d = t.daemon(dict(log_segment="256K"), keyfile=self.key)
        c = self.d.init(harness.slot_key(harness.read_file(self.key)))
        status(c.call("workspace.create", workspace="w"), "OK")
        self.secrets = {}
        for i in range(60):
            self.put(c, "n%d" % i, b"%d" % i * (1 if i % 4 else 2500))

    def put(self, c, name, value):
        status(c.put("w", name, dict(value=value)), "OK")
        self.secrets[name] = value

    def path(self, name):
        return os.path.join(self.d.state_dir, name)

    def use(self, c):
        """Read everything and write something, until it has ended; no value
        may be a wrong one."""
        for name, value in self.secrets.items():
            r = c.get("w", name)
            if r is None:
                return
            if r.ok:
                same(r.values(), dict(value=value), "A WRONG VALUE")
        for n in range(200):
            # What is not answered may be there or not.
            name = "late%d" % n
            r = c.put("w", name, dict(value=b"late" * 500))
            if r is None:
                return
            if r.ok:
                self.secrets[name] = b"late" * 500
        check(False, "it goes on")

    def cut(self, name, size):
        d = self.d
        before = len(d.stderr())
        c = d.connect()
        self.put(c, "last", os.urandom(20))
        good = harness.read_file(self.path(name))
        os.truncate(self.path(name), size)
        kept = dict(self.secrets)
        try:
            self.use(c)
        except (wire.WireError, OSError):
            pass
        same(d.wait(), ENDED, "exit code after %s was cut to %d" %
             (name, size))
        text = d.stderr()[before:]
        check("cofred: " in text and "was cut short" in text and
              name in text, "it says " + text)
        check(not any("core" in n for n in os.listdir(d.state_dir)), "core")
        # What it has acknowledged since is not in the file that is put
        # back; but that was cut off before.
        st = os.stat(self.path(name))
        with open(self.path(name), "r+b") as f:
            f.write(good)
        same(os.stat(self.path(name)).st_ino, st.st_ino, "the file")
        same(self.secrets, kept, "something was acknowledged after that")
        d.start()
        c = d.connect()
        same(c.state(), wire.OPEN, "state")
        for n, value in self.secrets.items():
            same(c.get("w", n).values(), dict(value=value), n)

    def cut_and_start(self, name, size):
        """It was ended and is started: refused, or nothing is lost."""
        d = self.d
        d.kill()
        good = harness.read_file(self.path(name))
        os.truncate(self.path(name), size)
        d.refused(os.path.basename(name))
        with open(self.path(name), "r+b") as f:
            f.write(good)
        d.start()


def test(t):
    v = Vault(t)
    pages = os.stat(v.path("data.mdb")).st_size
    for size in (0, 100, 4096, 8192, 40960, 65536, pages // 2,
                 pages - 4096, pages - 1):
        v.cut("data.mdb", size)
    show("the store cut to 9 sizes: told, code %d, nothing lost" % ENDED)
    for size in (0, 4096, 100000, (1 << 18) - 1):
        v.cut(SEGMENT, size)
    show("the log cut to 4 sizes: told, code %d, nothing lost" % ENDED)
    for size in (0, 8192, pages - 4096):
        v.cut("ssh.lmdb", size)
    show("the store of SSH keys cut to 3 sizes: told, code %d" % ENDED)
    for name in ("data.mdb", "ssh.lmdb", SEGMENT):
        v.cut_and_start(name, 4096)
    show("started with a file that was cut: refused")
    v.d.stop()


harness.main(test, limit=120)
