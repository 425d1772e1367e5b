#!/usr/bin/env python3
"""A managed identity is bound to what the kernel says of a process.

All of a binding must fit: uid, group, the program's path and SHA-256, the
system unit, the cgroup.  The test's own processes are the callers: real uids,
real programs, real cgroups.
"""
import hashlib
import os
import shutil
import signal
import socket
import sys
import time
sys.dont_write_bytecode = True

import cgroups
import cofre_wire as wire
import harness
from expect import check, same, show, status

AGENT, OTHER = 48001, 48002
PYTHON = os.path.realpath(sys.executable)
VALUE = dict(value=b"what the agents need")


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).digest()


class Bound:
    """One binding at a time, of the workspace w."""

    def __init__(self, root):
        self.root, self.now = root, None

    def to(self, uid=wire.NO_ID, **more):
        self.unbind()
        self.now = dict(workspace="w", uid=uid, **more)
        status(self.root.call("identity.bind", **self.now), "OK",
               "bind %r" % more)

    def unbind(self):
        if self.now is not None:
            status(self.root.call("identity.unbind", **self.now), "OK",
                   "unbind")
        self.now = None


def get(c, want, what):
    status(c.get("w", "n"), want, what)


def programs(t, d, bound):
    """By path: the same user's other program is somebody else."""
    c = t.agent(AGENT).connect(d.socket)
    other = t.agent(OTHER).connect(d.socket)
    bound.to(AGENT, exe=PYTHON)
    get(c, "OK", "the program that is bound")
    get(other, "DENIED", "the program, as another uid")
    t.run_cofre(d, "get", "w/n", "--field", "value", uid=AGENT, code=5)
    bound.to(AGENT, exe=t.cofre())
    get(c, "DENIED", "another program, on an open connection")
    same(t.run_cofre(d, "get", "w/n", "--field", "value", uid=AGENT),
         VALUE["value"], "by a program that libcofre is in")
    bound.to(AGENT, exe=PYTHON + "x")
    get(c, "DENIED", "a path that only begins so")
    show("a binding by path is for that program alone")
    return c


def digests(t, d, bound, c):
    """By digest, also of a program that is changed where it lies."""
    bound.to(AGENT, sha256=sha256(PYTHON))
    get(c, "OK", "the digest, known when it is first asked for")
    bound.to(AGENT, exe=PYTHON, sha256=sha256(PYTHON))
    get(c, "OK", "path and digest")
    bound.to(AGENT, exe=PYTHON, sha256=sha256(t.cofre()))
    get(c, "DENIED", "another program's digest")
    path = os.path.join(t.dir, "tool")
    shutil.copyfile(t.cofre(), path)
    os.chmod(path, 0o755)
    bound.to(AGENT, exe=path, sha256=sha256(path))
    run = dict(uid=AGENT, executable=path)
    same(t.run_cofre(d, "get", "w/n", "--field", "value", **run),
         VALUE["value"], "the tool as it was bound")
    for _ in range(3):
        t.run_cofre(d, "get", "w/n", "--field", "value", **run)
    times = os.stat(path)
    with open(path, "ab") as f:
        f.write(b"x")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    t.run_cofre(d, "get", "w/n", "--field", "value", code=5, **run)
    bound.to(AGENT, exe=path, sha256=sha256(path))
    t.run_cofre(d, "get", "w/n", "--field", "value", **run)
    show("a binding by digest is for the program as it was, to the byte")


def brought_back(t, d, root, bound):
    """A connection that was looked at while the workspace was deleted is the
    identity once that is back."""
    bound.to(AGENT, sha256=sha256(PYTHON))
    status(root.call("workspace.delete", workspace="w"), "OK")
    c = t.agent(AGENT).connect(d.socket)
    get(c, "DENIED", "while it is deleted")
    status(root.call("workspace.undelete", workspace="w"), "OK")
    status(root.call("identity.repair", workspace="w"), "OK")
    get(c, "OK", "brought back and repaired")
    status(root.call("vault.lock"), "OK")
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    get(c, "OK", "unlocked anew")
    show("a digest counts again when its workspace is brought back")


def sent_before_an_exec(t, d, root, bound, urgent):
    """What another program has sent does not count as the bound one's; nor
    when a byte out of band hides it from who looks."""
    shell = os.path.realpath("/bin/sh")
    bound.to(AGENT, exe=shell)
    go_on = harness.stop_witness(d)
    r, w = os.pipe()
    begun, begin = os.pipe()
    # Process numbers come again, soon while tests 15 and 21 choose them.
    start = root.log_end()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(AGENT, AGENT, AGENT)
            os.setresuid(AGENT, AGENT, AGENT)
            c = d.connect(greet=False)
            c.send_raw(wire.hello(1))
            if urgent:
                c.socket.send(b"!", socket.MSG_OOB)
            c.send_raw(wire.request("secret.get", 9, workspace="w",
                                    name="n"))
            c.socket.settimeout(None)
            os.dup2(w, 1)
            os.dup2(c.socket.fileno(), 5)
            os.execv(shell, ["sh", "-c", "dd bs=1 <&5 2>/dev/null; :"])
        finally:
            os._exit(1)
    os.close(w)
    os.close(begin)
    same(os.read(begun, 1), b"", "the end of a pipe that the exec closes")
    os.close(begun)
    go_on()
    end = time.monotonic() + 20
    asked = []
    while not asked:
        check(time.monotonic() < end, "its request has no record")
        asked = [e for e in root.events(start=start)
                 if e["pid"] == pid and
                 e["op"] == wire.OPERATIONS["secret.get"][0]]
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with os.fdopen(r, "rb") as f:
        got = f.read()
    same(asked[0]["exe"], shell.encode(), "the program that was seen")
    check(asked[0]["status"] != 0, "it was served: %r" % asked[0])
    check(VALUE["value"] not in got, "it got the secret")
    show("what was sent before an exec is not the executed program's")


def entered(t, d, name):
    """A connection of an agent that was put into the cgroup before."""
    agent = t.agent(AGENT)
    cgroups.enter(cgroups.make(t, name), agent.pid)
    return agent, agent.connect(d.socket), cgroups.of(agent.pid)


def cgroups_and_units(t, d, root, bound):
    if cgroups.root() is None:
        show("no cgroup can be made here: units and cgroups by unit tests")
        return
    tag = "cofre-test-%d" % os.getpid()
    agent, c, at = entered(t, d, "/system.slice/%s.service" % tag)
    top = at[:-len("/system.slice/%s.service" % tag)]
    _, low, _ = entered(t, d, "/system.slice/%s.service/worker" % tag)
    _, near, _ = entered(t, d, "/system.slice/%s.servicex" % tag)
    _, user, _ = entered(t, d, "/user.slice/system.slice/%s.service" % tag)
    out = t.agent(AGENT).connect(d.socket)
    bound.to(cgroup=at)
    for who, want, what in ((c, "OK", "in it"), (low, "OK", "below it"),
                            (near, "DENIED", "beside it, named alike"),
                            (user, "DENIED", "elsewhere, named alike"),
                            (out, "DENIED", "outside")):
        get(who, want, "by cgroup: " + what)
    bound.to(OTHER, cgroup=at)
    get(c, "DENIED", "the cgroup, with another uid")
    show("a binding by cgroup is for it and those below, whole names")
    if top != "":
        show("this test is in a cgroup of its own: units by unit tests")
        bound.unbind()
        return
    unit = tag + ".service"
    bound.to(unit=unit)
    for who, want, what in ((c, "OK", "in it"), (low, "OK", "below it"),
                            (near, "DENIED", "beside it, named alike"),
                            (user, "DENIED", "in a user's subtree"),
                            (out, "DENIED", "outside")):
        get(who, want, "by unit: " + what)
    bound.unbind()
    get(c, "DENIED", "unbound")
    grant = dict(workspace="w", principal=wire.UNIT, id=0, who=unit,
                 role="contributor")
    status(root.call("grant.add", **grant), "OK")
    get(c, "OK", "a grant for the unit")
    get(user, "DENIED", "a grant for the unit, in a user's subtree")
    get(out, "DENIED", "a grant for the unit, from outside")
    status(root.call("grant.remove", **grant), "OK")
    get(c, "DENIED", "when that is taken away")
    show("a unit is the system manager's, for bindings and for grants")


def nonsense(root):
    """What anybody could have, or nobody can be, is not taken."""
    one = dict(uid=AGENT)
    for more in (dict(uid=wire.NO_ID), dict(uid=wire.NO_ID, exe=PYTHON),
                 dict(uid=wire.NO_ID, gid=AGENT),
                 dict(uid=wire.NO_ID, sha256=b"x" * 32),
                 dict(uid=65534), dict(one, gid=65534),
                 dict(one, exe="bin/sh"), dict(one, exe="/"),
                 dict(one, sha256=b"x" * 31), dict(one, unit="a"),
                 dict(one, unit="a/b.service"), dict(one, unit="a.slice"),
                 dict(one, cgroup="/"), dict(one, cgroup="a"),
                 dict(one, cgroup="/a/../b"), dict(one, cgroup="/a/"),
                 dict(one, cgroup="/a\0b")):
        status(root.call("identity.bind", workspace="w", **more), "INVALID",
               "%r" % more)
    show("a binding says who, in a way that can be true")


def many_groups(t, d, root):
    """Who is in as many groups as are looked at is served by any of them."""
    groups = list(range(50000, 51024))
    status(root.call("grant.add", workspace="w", principal=wire.GROUP,
                     id=groups[-1], role=wire.CONTRIBUTOR), "OK")
    c = t.agent(44, groups=groups[::-1]).connect(d.socket)
    status(c.get("w", "n"), "OK", "by the last of 1024 groups")
    c = t.agent(44, groups=groups[:-1]).connect(d.socket)
    status(c.get("w", "n"), "DENIED", "without that one")
    show("a process may have 1024 groups")


def test(t):
    d = t.daemon(config=dict(look_timeout=60000))
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    status(root.put("w", "n", VALUE), "OK")
    nonsense(root)
    many_groups(t, d, root)
    bound = Bound(root)
    c = programs(t, d, bound)
    digests(t, d, bound, c)
    brought_back(t, d, root, bound)
    sent_before_an_exec(t, d, root, bound, False)
    sent_before_an_exec(t, d, root, bound, True)
    cgroups_and_units(t, d, root, bound)
    d.stop()


harness.main(test)
