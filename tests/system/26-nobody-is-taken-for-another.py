#!/usr/bin/env python3
"""Processes that try to look like somebody else: none of them is.

Root of a user namespace of its own; a name, path or program that was chosen
to mislead who reads /proc; more groups than are looked at; a run's neighbour
of the same user.
"""
import ctypes
import os
import shutil
import subprocess
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status

USER, OTHER = 48001, 48002
CLONE_NEWUSER = 0x10000000
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
LIBC = ctypes.CDLL(None, use_errno=True)
VALUE = dict(value=b"not for you")
NAMES = [b") R 1 1 1 1 ", b"a\nUid:\t0\t0\t0\t0", b"\x1b[31mroot",
         b"a) S 1 (b", b"((((", b"1 (x) R 0 0"]


def enter_user_namespace(uid, gid):
    """Root there; USER outside."""
    LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)     # so that /proc/self is its own
    if LIBC.unshare(CLONE_NEWUSER) != 0:
        return os.strerror(ctypes.get_errno())
    for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % uid),
                       ("gid_map", "0 %d 1" % gid)):
        with open("/proc/self/" + name, "w") as f:
            f.write(text)
    same((os.geteuid(), os.getegid()), (0, 0), "who it is there")
    return None


def user_namespace(t, d, root):
    a = t.agent(USER)
    why = a.do(enter_user_namespace, USER, USER)
    if why is not None:
        show("no user namespace can be made here: %s" % why)
        return
    c = a.connect(d.socket)
    for op, values in (("vault.lock", {}), ("slot.list", {}),
                       ("workspace.create", dict(workspace="x")),
                       ("grant.list", dict(workspace="")),
                       ("secret.get", dict(workspace="w", name="n"))):
        status(c.call(op, **values), "DENIED", op + " by its root")
    grant = dict(workspace="w", principal=wire.USER, id=USER,
                 role=wire.CONTRIBUTOR)
    status(root.call("grant.add", **grant), "OK")
    status(c.get("w", "n"), "OK", "as the uid that it is here")
    status(root.call("grant.remove", **grant), "OK")
    # Its mounts could make any path mean anything: no program is believed.
    bind = dict(workspace="w", uid=USER, exe=os.path.realpath(sys.executable))
    status(root.call("identity.bind", **bind), "OK")
    status(t.agent(USER).connect(d.socket).get("w", "n"), "OK",
           "the program, here")
    status(c.get("w", "n"), "DENIED", "the program, in its user namespace")
    status(root.call("identity.unbind", **bind), "OK")
    show("root of a user namespace is the user that made it, and no program")


def call_oneself(name):
    LIBC.prctl(PR_SET_NAME, ctypes.c_char_p(name), 0, 0, 0)
    with open("/proc/self/stat", "rb") as f:
        return int(f.read().rsplit(b")", 1)[1].split()[19])


def names(t, d, root):
    """The name of a process is its own to choose; its start is not."""
    for name in NAMES:
        a = t.agent(USER)
        start = a.do(call_oneself, name)
        f = status(root.call("run.start", workspace="w", target=wire.PROCESS,
                             pid=a.pid, start=start, uid=wire.NO_ID,
                             secrets=[dict(name="n")]), "OK",
                   "a run of %r" % name).fields
        c = a.connect(d.socket)
        status(c.get("w", "n"), "OK", "as that run")
        status(c.get("w", "m"), "DENIED", "what is not the run's")
        status(root.call("run.end", workspace="w", run=f["run"]), "OK")
        status(root.call("run.start", workspace="w", target=wire.PROCESS,
                         pid=a.pid, start=start + 1, uid=wire.NO_ID,
                         secrets=[dict(name="n")]), "NO_PROCESS",
               "with another start")
        a.end()
    show("%d misleading names of processes mislead nobody" % len(NAMES))


def paths(t, d, root):
    """A program whose path says more than it should."""
    for name in ("agent (deleted)", "a\nb", "a\x1b[2Jb", "agent\n0::"):
        path = os.path.join(t.dir, name)
        shutil.copyfile(t.cofre(), path)
        os.chmod(path, 0o755)
        done = subprocess.run([path, "--socket", d.socket, "get", "w/n"],
                              user=USER, group=USER, extra_groups=[],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        same(done.returncode, 5, "exit code of %r: %r" % (name, done.stderr))
    agent = os.path.join(t.dir, "agent")
    shutil.copyfile(t.cofre(), agent)
    os.chmod(agent, 0o755)
    bind = dict(workspace="w", uid=USER, exe=agent)
    status(root.call("identity.bind", **bind), "OK")
    for program, code in ((agent + " (deleted)", 5), (agent, 0)):
        done = subprocess.run([program, "--socket", d.socket, "get", "w/n",
                               "--field", "value"], user=USER, group=USER,
                              extra_groups=[], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        same(done.returncode, code, program)
    status(root.call("identity.unbind", **bind), "OK")
    said = t.run_cofre(d, "activity")
    check(b"\x1b" not in said, "an escape sequence in the activity")
    same([line for line in said.split(b"\n") if line[:4] != b"" and
          not line[:4].isdigit()], [], "lines that are no record")
    show("paths that mislead are escaped, and match nothing else")


def use_is_not_read(t, d, root):
    """Who may use a secret gets no token by which he would see it."""
    program = os.path.join(t.dir, "trusted")
    shutil.copyfile("/bin/sleep", program)
    os.chmod(program, 0o755)
    grant = dict(workspace="w", principal=wire.USER, id=OTHER, role="agent")
    bind = dict(workspace="w", uid=OTHER, exe=program)
    status(root.call("grant.add", **grant), "OK")
    status(root.call("identity.bind", **bind), "OK")
    a = t.agent(OTHER)
    c = a.connect(d.socket)
    status(c.get("w", "n"), "DENIED", "to read what one may use")
    child = subprocess.Popen([program, "60"], user=OTHER, group=OTHER,
                             extra_groups=[])
    try:
        with open("/proc/%d/stat" % child.pid) as f:
            start = int(f.read().rsplit(")", 1)[1].split()[19])
        run = dict(workspace="w", target=wire.PROCESS, pid=child.pid,
                   start=start, uid=wire.NO_ID, secrets=[dict(name="n")])
        status(c.call("run.start", token=1, **run), "DENIED", "with a token")
        status(c.call("run.start", **run), "OK", "for the process alone")
    finally:
        child.kill()
        child.wait()
    status(root.call("identity.unbind", **bind), "OK")
    status(root.call("grant.remove", **grant), "OK")
    show("who may use a secret gets no token for it")


def hidden(t, d, root):
    """What is asked about a hidden workspace and about none is answered
    alike."""
    for w in ("mine", "hidden"):
        status(root.call("workspace.create", workspace=w), "OK")
    status(root.call("grant.add", workspace="mine", principal=wire.USER,
                     id=OTHER, role=wire.OWNER), "OK")
    c = t.agent(OTHER).connect(d.socket)
    for op, values in (("grant.add", dict(role="reader")),
                       ("grant.add", dict(role="bogus")),
                       ("grant.add", dict(role="reader", prefix="/")),
                       ("grant.remove", dict(role="reader")),
                       ("grant.remove", dict(role="bogus")),
                       ("policy.explain", dict(name="", action="workspaces/read")),
                       ("policy.explain", dict(name="", action="bogus"))):
        said = [c.call(op, workspace="mine", principal=wire.IDENTITY, id=0,
                       who=who, **values).status_name
                for who in ("hidden", "gone")]
        same(said[0], said[1], "%s %r" % (op, values))
    show("a hidden workspace is answered about like none")


def many_groups(t, d, root):
    """More groups than are looked at, and those that were there at first."""
    grant = dict(workspace="w", principal=wire.GROUP, id=300000,
                 role=wire.CONTRIBUTOR)
    status(root.call("grant.add", **grant), "OK")
    few = t.agent(USER, groups=[300000]).connect(d.socket)
    status(few.get("w", "n"), "OK", "in the group")
    with open("/proc/sys/kernel/ngroups_max") as f:
        most = int(f.read())
    crowd = t.agent(USER, groups=list(range(300000, 300000 + most)))
    try:
        answer = crowd.connect(d.socket).get("w", "n").status_name
    except Exception:
        answer = "closed"
    check(answer in ("OK", "DENIED", "closed"), "it said " + answer)
    status(few.get("w", "n"), "OK", "the others meanwhile")
    status(root.call("grant.remove", **grant), "OK")
    status(few.get("w", "n"), "DENIED", "when the group may not any more")
    show("a peer with %d groups: %s" % (most, answer))


def neighbours(t, d, root):
    """Two runs of one user: each has its own secret."""
    agents = [t.agent(USER), t.agent(USER)]
    conns = []
    for a, name in zip(agents, ("n", "m")):
        status(root.call("run.start", workspace="w", target=wire.PROCESS,
                         pid=a.pid, start=a.do(call_oneself, b"x"),
                         uid=wire.NO_ID, secrets=[dict(name=name)]), "OK")
        conns.append(a.connect(d.socket))
    for c, own, others in ((conns[0], "n", "m"), (conns[1], "m", "n")):
        status(c.get("w", own), "OK", "its own")
        status(c.get("w", others), "DENIED", "its neighbour's")
    agents[0].kill()
    status(conns[1].get("w", "m"), "OK", "after its neighbour's end")
    status(conns[1].get("w", "n"), "DENIED", "its neighbour's, after that")
    show("a run of the same user is another run")


def test(t):
    d = t.daemon()
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    for name in ("n", "m"):
        status(root.put("w", name, VALUE), "OK")
    user_namespace(t, d, root)
    names(t, d, root)
    paths(t, d, root)
    many_groups(t, d, root)
    neighbours(t, d, root)
    use_is_not_read(t, d, root)
    hidden(t, d, root)
    d.stop()


harness.main(test)
