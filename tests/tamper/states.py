"""A vault with some of everything in it, as it is and as it was earlier, and
the driver that tampers with copies of it."""
import collections
import os
import shutil
import subprocess

import cofre_wire as wire
import harness
from expect import show, status

USER = 45001


def program():
    return harness.program("TAMPER", os.path.join(
        os.environ.get("BUILD", "."), "tests/tamper/tamper"))


class States:
    """Directories in t.dir: now, and old0 and old1, each of a daemon that
    had stopped."""

    def __init__(self, t):
        self.t = t
        self.key = t.keyfile()
        self.values = {}        # (workspace, name): {field: value}
        self.old = []
        self.d = t.daemon(dict(log_segment="64K"), keyfile=self.key)
        c = self.d.init(harness.slot_key(harness.read_file(self.key)))
        self.begin(c)
        self.keep()
        self.go_on(self.d.start().connect())
        self.keep()
        self.end(self.d.start().connect())
        self.d.stop()
        self.now = os.path.join(t.dir, "now")
        shutil.copytree(self.d.state_dir, self.now)

    def keep(self):
        self.d.stop()
        self.old.append(os.path.join(self.t.dir, "old%d" % len(self.old)))
        shutil.copytree(self.d.state_dir, self.old[-1])

    def put(self, c, workspace, name, **values):
        status(c.put(workspace, name, values), "OK", name)
        self.values[workspace, name] = values

    def target(self, c, name):
        status(c.call("target.create", workspace="lab", name=name,
                      host=name + ".example", port=22, user="train"), "OK")

    def begin(self, c):
        for name in ("lab", "other"):
            status(c.call("workspace.create", workspace=name), "OK")
        for i in range(14):
            self.put(c, "lab", "n%d" % i, value=b"%d" % i * (i * 19 + 1))
        self.put(c, "lab", "large", value=b"L" * 7000)
        for i in range(4):
            self.put(c, "other", "n%d" % i, user=b"u%d" % i, value=b"o" * 99)
        status(c.call("role.put", name="pulls", **wire.role(
            ["*/read"], data=["workspaces/secrets/value/read"],
            scopes=[("lab", "")])), "OK")
        self.grant(c, "lab", "reader")
        status(c.call("identity.bind", workspace="lab", uid=USER,
                      gid=wire.NO_ID), "OK")
        self.target(c, "cluster")
        status(c.call("slot.add", type=wire.KEYFILE, key=b"s" * 32), "OK")

    def read(self, c, count):
        """Records for the log, in turns that leave no room in a segment."""
        for _ in range(count // 5):
            c.pipeline([("secret.get", dict(workspace="lab", name="n1"))] * 5)

    def grant(self, c, workspace, role, op="grant.add"):
        status(c.call(op, workspace=workspace, principal=wire.USER, id=USER,
                      role=role), "OK", role)

    def go_on(self, c):
        """A right and a secret that are gone later, older values."""
        self.grant(c, "other", "owner")
        self.put(c, "other", "gone", value=b"gone")
        for i in range(5):
            self.put(c, "lab", "n%d" % i, value=b"second %d" % i)
        self.target(c, "second")
        status(c.call("target.show", workspace="lab", name="second"), "OK")
        host = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"h" * 32
        c.call("ca.host", workspace="lab", name="second", key=host,
               hosts=[dict(host="second.example")])
        status(c.call("run.start", workspace="lab", target=wire.TOKEN_ONLY,
                      token=1, uid=USER, secrets=[dict(name="n1")],
                      lifetime=3600), "OK")
        self.read(c, 300)

    def end(self, c):
        self.grant(c, "other", "owner", "grant.remove")
        status(c.call("secret.delete", workspace="other", name="gone"), "OK")
        status(c.call("secret.purge", workspace="other", name="gone"), "OK")
        del self.values["other", "gone"]
        for i in range(3):
            self.put(c, "lab", "n%d" % i, value=b"third %d" % i * 20)
        status(c.call("target.rotate", workspace="lab", name="cluster"),
               "OK")
        status(c.call("workspace.create", workspace="third"), "OK")
        self.put(c, "third", "n", value=b"3")
        self.read(c, 250)
        status(c.call("vault.lock"), "OK")

    def start(self, work, ops, seed, job, jobs):
        os.mkdir(work, 0o700)
        self.t.undo.append(lambda: shutil.rmtree(work, ignore_errors=True))
        return subprocess.Popen(
            [program(), work, self.key,
             str(ops), str(seed), "%d/%d" % (job, jobs), self.now, *self.old],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def tamper(self, ops, seed, jobs=1, directory="/dev/shm"):
        """Run the driver, so many at a time.  {way: {outcome: how often}},
        other lines that they print, and whether all went well."""
        if not os.access(directory, os.W_OK):
            directory = self.t.dir
        base = os.path.join(directory, "cofre-tamper.%d." % os.getpid())
        running = [self.start(base + str(i), ops, seed, i, jobs)
                   for i in range(jobs)]
        texts = [p.communicate()[0].decode(errors="replace")
                 for p in running]
        return (*join(texts), all(p.returncode == 0 for p in running))


def join(texts):
    """The drivers' tables as one, and their other lines."""
    table, lines, names = {}, collections.Counter(), []
    for line in "".join(texts).splitlines():
        cells = line[26:].split()
        if cells[:1] == ["tried"]:
            names = cells
        elif cells and len(cells) == len(names) and \
                all(x.isdigit() for x in cells):
            row = table.setdefault(line[:26].strip(), dict.fromkeys(names, 0))
            for name, n in zip(names, cells):
                row[name] += int(n)
        elif line.startswith("detected "):
            what, n = line.rsplit(": ", 1)
            lines[what] += int(n)
        elif not line.startswith("tried "):
            lines[line] += 1
    return table, lines


def total(table):
    found = collections.Counter()
    for row in table.values():
        found.update(row)
    return found


def print_table(table, lines):
    names = list(next(iter(table.values())))
    for way, row in [("", dict(zip(names, names))), *table.items(),
                     ("all", total(table))]:
        show("%-26s" % way + "".join(" %9s" % row.get(n, 0) for n in names))
    for line, n in lines.items():
        show("%s: %d" % (line, n))
