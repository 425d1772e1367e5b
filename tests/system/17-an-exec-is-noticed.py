"""What a process is: its program is told, and another one is not taken for it.

A process that executes another program keeps its sockets, its ids and its
process id.  What it then sends is refused and recorded, as if another process
had sent it.  The log tells by which program each connection was made.
"""
import json
import os
import signal
import subprocess
import sys
import time

import cgroups
import cofre_wire as wire
import harness
import people
from expect import check, same, show, status
from people import become, send_message

OWNER, ROUNDS = 41301, 200
LONG = 60000            # ms: of a look_timeout that does not pass
SECRET = b"canary-of-the-program"
NO_PIDFD, OTHER_SENDER, NO_WATCH = 8, 64, 128
# What is executed speaks itself on the descriptor that it was left, 5.
THIEF = "printf '%s' >&5; %s <&5"


def child(function):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            become(OWNER)
            function()
            code = 0
        except BaseException as e:      # told by the exit code
            print("child: %r" % e, flush=True)
        os._exit(code)
    same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0,
         "exit code of the child")
    return pid


def octal(data):
    """For the shell's printf."""
    return "".join("\\%03o" % b for b in data)


def execute(connect, script, **fds):
    """A shell of the owner's, that has what connect() returns from descriptor
    5 on, and these as well."""
    pid = os.fork()
    if pid == 0:
        try:
            become(OWNER)
            connections = connect()
            os.dup2(fds.get("stdin", 0), 0)
            os.dup2(fds["stdout"], 1)
            for i, c in enumerate(connections):
                c.socket.settimeout(None)   # the program waits in read(2)
                os.dup2(c.socket.fileno(), 5 + i)
            os.execv("/bin/sh", ["sh", "-c", script])
        finally:
            os._exit(9)
    return pid


def executed(d, first, op="secret.get", read="cat", **fields):
    """What a program gets that was executed with a connected socket."""
    def connect():
        c = d.connect()
        if first:
            status(c.call("secret.get", workspace="w", name="n"), "OK",
                   "before the exec")
        return [c]

    r, w = os.pipe()
    pid = execute(connect, THIEF % (octal(wire.request(op, 9, **fields)),
                                    read), stdout=w)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        got = f.read()
    same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "the program")
    return pid, got


def number(reply):
    return int.from_bytes(reply[12:16], "big")


def refused(d, root):
    for first in (True, False):
        pid, got = executed(d, first, workspace="w", name="n")
        check(SECRET not in got, "an executed program got the secret")
        same(number(got), wire.STATUS["OTHER_PROCESS"], "status after exec")
        same(len(got), 16, "bytes after exec, and the end")
        e = [e for e in root.events() if e["uid"] == OWNER and
             e["status"] == wire.STATUS["OTHER_PROCESS"]][-1]
        check(e["flags"] & OTHER_SENDER, "flags: %d" % e["flags"])
        same(e["detail"].decode(), "sent by uid %d gid %d pid %d after it "
             "executed a program" % (OWNER, OWNER, pid), "detail")
    show("a program that was executed is refused and recorded")


def shared(d):
    _, got = executed(d, True, "status", "dd bs=65536 count=1 2>/dev/null")
    same(number(got), 0, "status, which is for anybody")
    show("status is answered after an exec too")


def many(d, rounds):
    """As soon as the first request is answered, and no later."""
    for _ in range(rounds):
        _, got = executed(d, True, workspace="w", name="n")
        check(SECRET not in got, "an executed program got the secret")
    show("%d programs were executed: none got the secret" % rounds)


def at_once(d):
    """Several connections of a program that was executed, and of another
    process, are served together: each as what sends on it."""
    own = [d.connect() for _ in range(3)]
    go, begin = os.pipe()
    read, write = os.pipe()
    pid = execute(
        lambda: [d.connect() for _ in range(3)],
        "echo ready; read x; for i in 5 6 7; do printf '%s' >&$i; done; "
        "echo sent; cat <&5; cat <&6; cat <&7" % octal(wire.request(
            "secret.get", 9, workspace="w", name="n")),
        stdin=go, stdout=write)
    os.close(write)
    with os.fdopen(read, "rb") as f:
        same(f.readline(), b"ready\n", "the program")
        d.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, d.pid, os.WSTOPPED)
        own[0].send("secret.get", workspace="w", name="n")
        os.write(begin, b"\n")
        same(f.readline(), b"sent\n", "the program")
        for c in own[1:]:
            c.send("secret.get", workspace="w", name="n")
        d.signal(signal.SIGCONT)
        got = f.read()
    os.close(go)
    os.close(begin)
    same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "the program")
    same([number(got[i:]) for i in range(0, len(got), 16)],
         [wire.STATUS["OTHER_PROCESS"]] * 3, "what the program gets")
    for c in own:
        same(c.receive().values(), dict(value=SECRET), "the other process")
        c.close()
    show("three connections of a program are refused at once, and no other")


def told(t, d, root):
    """The program and the cgroup of a connection are in its record."""
    name = os.path.join(t.dir, "agent program")
    harness.write_file(name, harness.read_file(t.cofre()), 0o755)
    os.chmod(t.dir, 0o755)
    probe = subprocess.run([name, "--socket", d.socket, "get", "w/n",
                            "--field", "value"], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, user=OWNER, group=OWNER,
                           extra_groups=[])
    same(probe.stdout, SECRET, "the command: %r" % probe.stderr)
    events = [e for e in root.events() if e["uid"] == OWNER and
              e["exe"] == name.encode()]
    check(len(events) >= 2, "records with %r" % name)
    for e in events:
        same(e["flags"] & NO_WATCH, 0, "flags of %r" % e)
    with open("/proc/self/cgroup") as f:
        path = [line[3:-1] for line in f if line.startswith("0::")]
    for e in events:
        if e["type"] == wire.CONNECTION and path and ".." not in path[0]:
            check(e["detail"] != b"", "no cgroup in %r" % e)
    show("%d records tell of the program: %s" % (len(events), name))


def early(d, rounds):
    """Who asks and goes at once, before anybody has looked, does no harm."""
    def go():
        for i in range(rounds):
            c = d.connect(greet=False)
            try:
                c.send_raw(wire.request("status", 1)[:i % 20])
            except (BrokenPipeError, ConnectionResetError):
                pass    # too many of its uid at once: refused
            c.close()
    child(go)

    def die():
        os.kill(os.getpid(), signal.SIGKILL)
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            become(OWNER)
            d.connect(greet=False)
            die()
        os.waitpid(pid, 0)
    status(d.connect().call("status"), "OK", "afterwards")
    show("%d connections that were gone at once" % rounds)


def before_the_look(d, root):
    """Who executes a program before anybody has looked is that program."""
    go_on = harness.stop_witness(d)
    r, w = os.pipe()
    begun, begin = os.pipe()
    said = octal(wire.hello(1) + wire.request("secret.get", 9, workspace="w",
                                              name="n"))
    start = root.log_end()  # a process number may have been another's before
    pid = execute(lambda: [d.connect(greet=False)],
                  THIEF % (said, "dd bs=1 count=4 2>/dev/null"), stdout=w)
    os.close(w)
    os.close(begin)
    same(os.read(begun, 1), b"", "the end of a pipe that exec closes")
    os.close(begun)
    go_on()
    with os.fdopen(r, "rb") as f:
        same(len(f.read()), 4, "bytes that it was answered")
    os.waitpid(pid, 0)
    root.barrier()
    e = [e for e in root.events(start=start) if e["pid"] == pid]
    same([x["exe"] for x in e], [os.path.realpath("/bin/sh").encode()] * 2,
         "the program in the records")
    show("a program that was there before the look is itself")


def gone(t):
    """Without its witness the daemon ends, and says why."""
    d = t.daemon()
    d.init().close()
    os.kill(harness.witness_of(d)[0], signal.SIGKILL)
    same(d.wait(), 1, "exit code without the witness")
    check("its witness has ended" in d.stderr(), d.stderr())
    show("without its witness the daemon stops, with exit code 1")


def descriptors(d):
    """How many the daemon, its witness and the workers have."""
    keeper, workers = harness.witness_of(d)
    return [len(os.listdir("/proc/%d/fd" % p))
            for p in [d.pid, keeper] + workers]


def settled(d, root, before):
    """No descriptor is left of connections that are gone."""
    end = time.monotonic() + 20
    while descriptors(d) != before and time.monotonic() < end:
        root.barrier()
    same(descriptors(d), before, "descriptors: daemon, witness")


def stuck(t):
    """A witness that says nothing: new connections wait, old ones do not."""
    d = t.daemon(config=dict(request_timeout=300, look_timeout=LONG))
    root = d.init()
    before = descriptors(d)
    go_on = harness.stop_witness(d)
    begin = time.monotonic()
    stranger = t.agent(OWNER)
    late = stranger.connect(d.socket, greet=False)
    late.send_raw(wire.request("status", 1))
    status(root.call("status"), "OK", "of a connection that was there")
    same(late.receive(), None, "of one that nobody has looked at")
    check(time.monotonic() - begin < 10, "the deadline did not end it")
    # More than are asked about at once, gone before there is an answer.
    for _ in range(100):
        stranger.connect(d.socket, greet=False).close()
    go_on()
    c = stranger.connect(d.socket)
    status(c.call("status"), "OK", "when it goes on")
    c.close()
    settled(d, root, before)
    show("a witness that stands still holds up new connections alone")
    known(t, d)
    settled(d, root, before)
    d.stop()


def unseen(a, d, what):
    c = a.connect(d.socket, greet=False)
    c.send_raw(wire.hello(1))
    same(c.receive(), None, what)


def execute_later(path, program):
    """Connect, and execute the command once somebody says so."""
    wire.Connection(path)
    send_message(people.Agent.channel, (True, None))
    people.told_to_stop(None)
    os.execv(program, [program, "--socket", path, "status"])


def executes(agent):
    """The exit code of the command."""
    send_message(agent.here, "go on")
    _, code = os.waitpid(agent.pid, 0)
    agent.pid = None
    return os.waitstatus_to_exitcode(code)


def known(t, d):
    """Who was looked at a moment ago is asked about no more: as long as it is
    that process, with that program, in that cgroup."""
    a, b, other = (t.agent(OWNER) for _ in range(3))
    a.connect(d.socket).close()
    c = a.connect(d.socket)
    for agent in (b, other):
        agent.start(execute_later, d.socket, t.cofre())
        agent.finish()
    go_on = harness.stop_witness(d)
    for _ in range(3):
        status(a.connect(d.socket).call("status"), "OK", "once more")
    unseen(t.agent(OWNER), d, "of another process")
    check(executes(b) != 0, "of a program that it executed")
    status(a.connect(d.socket).call("status"), "OK", "still")
    if cgroups.root() is not None:
        cgroups.enter(cgroups.make(t, "cofre-moved"), a.pid)
        unseen(a, d, "in another cgroup")
        status(c.call("status"), "OK", "of a connection that was there")
    go_on()
    status(a.connect(d.socket).call("status"), "OK", "when it goes on")
    same(executes(other), 0, "of a program, likewise")
    a.end()
    show("a process that was looked at connects again, while it is the same")


def start_weak(t, prefix, what):
    """A daemon that lacks something: it refuses to start, and names what and
    the way out; where that is optional it starts, and says so."""
    d = harness.Daemon(t, prefix=prefix)
    d.refused("set 'attestation = optional'")
    check(what in d.stderr(), d.stderr())
    d = harness.Daemon(t, config=dict(attestation="optional"), prefix=prefix)
    d.start()
    check("warning: 'attestation = optional': " in d.stderr() and
          what in d.stderr(), d.stderr())
    return d


def told_weak(t, d, key, why, flag, line):
    """Status says what is weaker and why, and so does each record."""
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK", "workspace")
    status(root.call("grant.add", workspace="w", principal=wire.USER,
                     id=OWNER, role=wire.CONTRIBUTOR), "OK", "grant")
    child(lambda: status(d.connect().call("secret.list", workspace="w"), "OK",
                         "of another user"))
    weak = {}
    for row in t.run_cofre(d, "status").decode().splitlines():
        if row.startswith("! "):
            weak[row[2:22].strip()] = row[23:]
    same(set(weak) & {"attestation", "peer process", "exec watch"},
         {"attestation", key}, "marked by status: %r" % weak)
    check(why in weak[key] and "by configuration" in weak["attestation"],
          "status: %r" % weak)
    report = json.loads(t.run_cofre(d, "status", "--json"))["report"]
    for name in ("attestation", key):
        same(report[name], dict(value=weak[name], level="warn"), name)
    flags = [e["flags"] for e in root.events() if e["uid"] == OWNER]
    same(len(flags), 2, "records of the user: the connection, the request")
    check(all(f & (NO_PIDFD | NO_WATCH) == flag for f in flags), flags)
    lines = t.run_cofre(d, "activity", "--uid", str(OWNER)).splitlines()
    check(lines and all(n.endswith(line) for n in lines), lines)
    rows = t.run_cofre(d, "activity", "--uid", str(OWNER), "--json")
    check(all(json.loads(n)["flags"] & flag for n in rows.splitlines()),
          rows)
    d.stop()


def weak(t):
    """Without its capabilities, and on a kernel without SO_PEERPIDFD."""
    prefix = ("setpriv", "--bounding-set=-sys_ptrace",
              "--inh-caps=-sys_ptrace")
    d = start_weak(t, prefix, "without CAP_SYS_PTRACE and "
                   "CAP_DAC_READ_SEARCH")
    told_weak(t, d, "exec watch", "CAP_SYS_PTRACE", NO_WATCH,
              b"(an exec would not be noticed)")
    show("without CAP_SYS_PTRACE: no start, or told in status and log")
    prefix = (sys.executable, os.path.join(harness.HERE, "old_kernel.py"))
    d = start_weak(t, prefix, "(SO_PEERPIDFD, Linux 6.5)")
    told_weak(t, d, "peer process", "SO_PEERPIDFD (Linux 6.5)", NO_PIDFD,
              b"(pid may be another process's)")
    show("without SO_PEERPIDFD: no start, or told in status and log")
    # The setting alone is a weaker one, where nothing is missing.
    d = t.daemon(config=dict(attestation="optional"))
    root = d.init()
    check(root.report()["attestation"].startswith("optional"), "the report")
    same([e["flags"] & (NO_PIDFD | NO_WATCH) for e in root.events()
          if e["type"] == wire.CONNECTION], [0], "flags where all is there")
    d.stop()


def left(d):
    """What the witness may still do: look, and nothing else."""
    keeper, workers = harness.witness_of(d)
    for pid, own in [(keeper, 5)] + [(n, 1) for n in workers]:
        left_to(d, pid, own)
    show("the witness has two capabilities, its sockets, and no file")


def left_to(d, pid, own):
    with open("/proc/%d/status" % pid) as f:
        has = dict(line.rstrip("\n").split(":\t", 1) for line in f
                   if ":\t" in line)
    for key in ("CapPrm", "CapEff"):
        same(int(has[key], 16), 1 << 19 | 1 << 2, key)
    for key in ("CapInh", "CapAmb", "CapBnd"):
        same(int(has[key], 16), 0, key)
    same((has["NoNewPrivs"], has["Seccomp"]), ("1", "2"), "its sandbox")
    check("0" not in has["Uid"].split(), "its uids: " + has["Uid"])
    links = {os.readlink("/proc/%d/fd/%s" % (pid, n))
             for n in os.listdir("/proc/%d/fd" % pid)}
    check(not any(d.state_dir in n for n in links), "files: %r" % links)
    same(len([n for n in links if n.startswith("socket:")]), own, "sockets")


def test(t):
    harness.need_root()
    d = t.daemon(config=dict(look_timeout=LONG))
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK", "workspace")
    status(root.call("grant.add", workspace="w", principal=wire.USER,
                     id=OWNER, role=wire.CONTRIBUTOR), "OK", "grant")
    status(root.call("secret.put", workspace="w", name="n", fields=[
        dict(name="value", flags=1, value=SECRET)]), "OK", "secret")
    left(d)
    before = descriptors(d)
    refused(d, root)
    shared(d)
    many(d, ROUNDS)
    at_once(d)
    told(t, d, root)
    early(d, 300)
    before_the_look(d, root)
    settled(d, root, before)
    d.stop()
    gone(t)
    stuck(t)
    weak(t)


harness.main(test, limit=180)
