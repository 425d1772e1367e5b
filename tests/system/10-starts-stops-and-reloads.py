#!/usr/bin/env python3
"""How the daemon begins, goes on and ends: SIGTERM answers what came in,
SIGHUP reads the configuration again, a service manager may hand it the
socket, a keyfile and a watchdog, an old socket file is replaced, and an
ordinary user may run one."""
import fcntl
import os
import signal
import socket
import stat
import statistics
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import sshagent
import harness
from expect import check, same, show, status
from harness import KEY, Daemon
from people import start_of

LARGE = dict(value=b"L" * 8000)
POLL = {"x86_64": "7", "aarch64": "73"}     # poll(2), ppoll(2)
ASKED = 80              # of them at once: three times what a socket holds


def build(c):
    status(c.call("workspace.create", workspace="w"), "OK")
    status(c.put("w", "n", LARGE), "OK")


# --- SIGTERM ----------------------------------------------------------------

def drain(t):
    d = t.daemon()
    c = d.init()
    build(c)
    idle, asking, half = d.connect(), d.connect(), d.connect()
    # More than a socket holds: most of it waits in the daemon.
    asking.send_raw(b"".join(wire.request("secret.get", 100 + i,
                                          workspace="w", name="n")
                             for i in range(ASKED)))
    half.send_raw(wire.request("status")[:7])
    c.barrier()
    d.signal(signal.SIGTERM)
    check(d.wait_note("STOPPING=1"), "it does not say that it stops")
    for i in range(ASKED):
        r = asking.receive()
        check(r is not None, "request %d of %d was not answered" %
              (i, ASKED))
        same((r.id, r.status_name), (100 + i, "OK"), "an answer")
        same(r.values(), LARGE, "a secret after SIGTERM")
    same(asking.receive(), None, "behind the last answer")
    same(idle.receive(), None, "an idle connection")
    try:
        late = d.connect(greet=False)
        late.send_raw(wire.hello())
        same(late.receive(), None, "a connection while it stops")
    except (ConnectionRefusedError, FileNotFoundError, BrokenPipeError):
        pass
    same(d.wait(), 0, "exit code after SIGTERM")
    show("SIGTERM: %d requests that had come in are answered, others are "
         "closed, exit code 0" % ASKED)
    d.start()
    c = d.connect()
    same(c.state(), wire.LOCKED, "state after a start")
    # Somebody who does not take the answers can't keep it from stopping.
    status(c.call("vault.unlock", key=KEY), "OK")
    stuck = d.connect()
    stuck.send_raw(b"".join(wire.request("secret.get", i, workspace="w",
                                         name="n") for i in range(500)))
    c.barrier()
    begin = time.monotonic()
    d.signal(signal.SIGTERM)
    same(d.wait(10), 0, "exit code with a peer that does not read")
    took = time.monotonic() - begin
    check(took < 5, "it took %.1f s" % took)
    show("SIGTERM with a peer that never reads: %.1f s" % took)
    for number in (signal.SIGTERM, signal.SIGINT):
        d.start()
        d.signal(number)
        d.signal(number)
        same(d.wait(), 0, "exit code after two signals")


# --- SIGHUP -----------------------------------------------------------------

def reload(d, **settings):
    """Change the file, and wait until it was read: what is said of it."""
    before = len(d.stderr())
    if settings:
        d.configure(**settings)
    d.notes = []
    d.signal(signal.SIGHUP)
    check(d.wait_note("RELOADING=1") and d.wait_note("READY=1"), "no reload")
    return d.stderr()[before:]


def hangup(t):
    d = t.daemon(dict(log="buffered"))
    c = d.init()
    check("buffered" in c.report()["activity log"], "not buffered at first")
    text = reload(d, log="strict")
    check("done" in text and "strict" in c.report()["activity log"],
          "log = strict: " + text)
    build(c)
    text = reload(d, log="buffered", max_connections_per_uid=2)
    other = d.connect()
    refused = d.connect(greet=False)
    status(refused.receive(), "LIMIT", "a third connection")
    other.close()
    for bad in (dict(log="loud"), dict(colour="red")):
        text = reload(d, **bad)
        check("nothing changed: %s:" % d.config in text,
              "of a bad file it says " + text)
        check("2 for a uid" in c.report()["connections"],
              "a bad file was taken")
    text = reload(d, max_connections_per_uid=9, socket_mode="0600")
    check("at the next start: socket_mode" in text, "of what needs a restart it says " + text)
    check("9 for a uid" in c.report()["connections"], "the rest is taken")
    text = reload(d, max_connections_per_uid=9)
    check("socket" not in text and "state" not in text,
          "with nothing that needs a restart it says " + text)
    os.rename(d.config, d.config + ".old")
    harness.write_file(d.config, "log = strict\n", 0o644)
    os.unlink(d.config + ".old")
    text = reload(d)
    check("replaced" in text, "of a file that was replaced it says " + text)
    details = [e["detail"] for e in c.events() if e["type"] == wire.SYSTEM]
    same((details.count(b"configuration read again"),
          details.count(b"configuration not valid, not taken")), (4, 3),
         "records of reloads")
    status(c.get("w", "n"), "OK", "a connection through all of that")
    d.stop()
    show("SIGHUP: log = strict is in force, limits too; a bad file changes "
         "nothing; what needs a restart is told")


def operators_change(t):
    """The group of the operators, without a restart."""
    d = t.daemon(dict(operator_group=48801))
    root = d.init()
    a = t.agent(48001, groups=[48801]).connect(d.socket)
    b = t.agent(48002, groups=[48802]).connect(d.socket)
    same((a.call("vault.report").ok, b.call("vault.report").ok),
         (True, False), "operators")
    reload(d, operator_group=48802)
    same((a.call("vault.report").ok, b.call("vault.report").ok),
         (False, True), "operators after SIGHUP")
    status(root.call("vault.report"), "OK")
    d.stop()
    show("SIGHUP: another operator group, on connections that are open")


# --- a service manager ------------------------------------------------------

class Activated(Daemon):
    """With a socket as descriptor 3, as systemd hands it over, and perhaps
    another one as 4."""

    def activate(self, sock, pid=None, count="1", second=None):
        fd = fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD, 10)
        other = fcntl.fcntl((second or sock).fileno(), fcntl.F_DUPFD, 10)

        def before():
            os.dup2(fd, 3)
            if second is not None:
                os.dup2(other, 4)
            os.environ["LISTEN_PID"] = str(pid or os.getpid())
            os.environ["LISTEN_FDS"] = count
            os.environ["NOTIFY_SOCKET"] = self.notify_path
            os.execv(self.line[0], self.line)

        self.line = self.command()
        self.notify_path = os.path.join(self.dir, "n")
        self.spawn(preexec_fn=before, pass_fds=(3, 4, fd, other))
        os.close(fd)
        os.close(other)
        return self.wait_note("READY=1")


def listening(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    os.chmod(path, 0o666)
    s.listen(64)
    return s


def activation(t):
    d = Activated(t)
    s = listening(d.socket)
    early = d.connect(greet=False)      # before it is there
    early.send_raw(wire.hello())
    check(d.activate(s), "no start with a socket: " + d.stderr())
    status(early.receive(), "OK", "a hello from before the start")
    s.close()
    c = d.init()
    build(c)
    status(c.get("w", "n"), "OK", "over the socket that was given")
    if harness.IS_ROOT:
        status(t.agent(48001).connect(d.socket).get("w", "n"), "DENIED",
               "somebody else over it")
    check(stat.S_ISSOCK(os.stat(d.socket).st_mode), "the socket's file")
    d.stop()
    check(os.path.exists(d.socket), "the manager's socket was removed")
    show("socket activation: it serves what it was given")
    for what, sock in (
            ("not listening", socket.socket(socket.AF_UNIX)),
            ("a datagram socket", socket.socket(socket.AF_UNIX,
                                                socket.SOCK_DGRAM)),
            ("an inet socket", socket.socket(socket.AF_INET)),
            ("one of a pair", socket.socketpair()[0]),
            ("a file", open(os.devnull))):
        x = Activated(t)
        check(not x.activate(sock), "it starts with " + what)
        check(x.wait() > 0 and "LISTEN_FDS" in x.stderr(),
              "with %s: %s, %s" % (what, x.code, x.stderr()))
        sock.close()
    x = Activated(t)
    check(not x.activate(listening(os.path.join(x.dir, "g")), count="3"),
          "it starts with three sockets")
    check("one socket" in x.stderr(), x.stderr())
    x = Activated(t)
    check(not x.activate(listening(os.path.join(x.dir, "elsewhere"))),
          "it starts with a socket that clients do not know")
    check("must agree" in x.stderr(), x.stderr())
    # Two, in any order: each is taken for its path.
    x = Activated(t)
    agent = os.path.join(x.dir, "agent")
    x.configure(agent_socket=agent)
    check(x.activate(listening(agent), count="2", second=listening(x.socket)),
          "no start with two sockets: " + x.stderr())
    same(x.connect().state(), wire.EMPTY, "over the one")
    client = sshagent.Client(agent)
    same(client.ask(sshagent.message(sshagent.LIST)), (sshagent.FAILURE, b""),
         "over the other one")
    x.stop()
    x = Activated(t)
    check(not x.activate(listening(x.socket), count="2",
                         second=listening(os.path.join(x.dir, "agent"))),
          "it starts with an agent's socket that it does not know")
    check("must agree" in x.stderr(), x.stderr())
    # Meant for another process: it makes its own, and keeps none of it.
    x = Activated(t)
    path = os.path.join(x.dir, "g")
    check(x.activate(listening(path), pid=1), "no start: " + x.stderr())
    if harness.IS_ROOT:
        inodes = [v for v in x.fds().values() if v.startswith("socket:")]
        same(len(inodes), 7, "sockets (its own, sd_notify, witness): %s" %
             x.fds())
    same(x.connect().state(), wire.EMPTY, "over its own socket")
    x.stop()
    show("sockets that can't be right are refused; those for another process "
         "are let go")


def credentials(t):
    """A keyfile from the service manager, and another one by option."""
    directory = os.path.join(t.dir, "credentials")
    os.mkdir(directory)
    content = os.urandom(48)
    harness.write_file(os.path.join(directory, "cofre.key"), content)
    d = Daemon(t, environment=dict(CREDENTIALS_DIRECTORY=directory))
    d.start()
    build(d.init(harness.slot_key(content)))
    d.stop()
    d.start()
    c = d.connect()
    same(c.state(), wire.OPEN, "state with CREDENTIALS_DIRECTORY")
    status(c.get("w", "n"), "OK")
    check(b"unlocked by keyfile" in [e["detail"] for e in c.events()],
          "the unlock is not in the log")
    d.stop()
    d.keyfile = t.keyfile(os.urandom(32), "another")
    d.start()
    same(d.connect().state(), wire.LOCKED, "state with another --keyfile")
    d.stop()
    d.keyfile = None
    os.chmod(os.path.join(directory, "cofre.key"), 0o644)
    d.refused("a keyfile is its owner's alone")
    os.unlink(os.path.join(directory, "cofre.key"))
    d.start()
    same(d.connect().state(), wire.LOCKED, "state with an empty directory")
    d.stop()
    show("a keyfile in CREDENTIALS_DIRECTORY unlocks; --keyfile stands "
         "above it")


def watchdog(t):
    d = Daemon(t, environment=dict(WATCHDOG_USEC="400000"))
    d.start()
    c = d.connect()
    gaps = []
    for _ in range(5):
        d.notes = []
        check(d.wait_note("WATCHDOG=1", 5), "no WATCHDOG=1")
        # Woken up shortly before it is due, the daemon does not forget it.
        at = time.monotonic()
        time.sleep(0.196)
        status(c.call("status"), "OK")
        d.notes = []
        check(d.wait_note("WATCHDOG=1", 5), "no WATCHDOG=1")
        gaps.append(time.monotonic() - at)
    check(statistics.median(gaps) < 0.3, "between two pings: %s" % gaps)
    d.stop()
    show("sd_notify: READY, RELOADING, STOPPING, WATCHDOG")


# --- stopped, and continued ---------------------------------------------------

def pause(pids):
    """As job control, a debugger, or the freezer of a container does."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        # Who is traced besides, as by make canary, has another letter.
        while harness.read_file("/proc/%d/stat" % pid).decode().rsplit(
                ") ", 1)[1][0] not in "Tt":
            check(os.path.exists("/proc/%d" % pid), "%d has ended" % pid)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def paused(t):
    """A system call that was broken off goes on: restart_syscall(2)."""
    d = t.daemon()
    key = os.urandom(32)
    c = d.init(key)
    status(c.call("workspace.create", workspace="w"), "OK")
    status(c.put("w", "n", dict(value=b"v")), "OK")
    worker = t.agent(48003)
    worker.do(os.getpid)
    status(c.call("run.start", workspace="w", target=wire.PROCESS,
                  pid=worker.pid, start=start_of(worker.pid),
                  uid=wire.NO_ID, secrets=[dict(name="n")]), "OK",
           "run.start")
    keeper, workers = harness.witness_of(d)
    everyone = [d.pid, keeper] + workers
    for _ in range(3):
        pause(everyone)
        same(d.connect().state(), wire.OPEN, "state after a pause")
        same(harness.witness_of(d), (keeper, workers), "its witness")
    # While it waits for its witness: which of the runs are still there?
    status(c.call("vault.lock"), "OK")
    go_on = harness.stop_witness(d)
    c.send("vault.unlock", type=wire.KEYFILE, key=key)
    while d.proc("syscall").split()[0] != POLL[os.uname().machine]:
        check(d.alive(), "it has ended: " + d.stderr())
    pause([d.pid])
    go_on()
    status(c.receive(), "OK", "vault.unlock, paused meanwhile")
    same(d.connect().state(), wire.OPEN, "state")
    d.stop()
    show("paused at rest and while it waits, it goes on")


# --- the socket's file ------------------------------------------------------

def socket_file(t):
    d = Daemon(t)
    d.spawn()
    d.wait_note("READY=1")
    same(stat.S_IMODE(os.stat(d.socket).st_mode), 0o666, "mode")
    d.kill()
    check(os.path.exists(d.socket), "no file is left behind")
    d.configure(socket_mode="0660")
    d.start()
    same(stat.S_IMODE(os.stat(d.socket).st_mode), 0o660, "socket_mode")
    same(d.connect().state(), wire.EMPTY, "over a socket that was replaced")
    d.stop()
    for umask in (0, 0o777):
        if os.path.exists(d.socket):
            os.unlink(d.socket)
        d.configure()
        d.start(umask=umask)
        same(stat.S_IMODE(os.stat(d.socket).st_mode), 0o666,
             "mode under umask %o" % umask)
        for base, names, leaves in os.walk(d.state_dir):
            same(stat.S_IMODE(os.stat(base).st_mode), 0o700, base)
            for leaf in leaves:
                same(stat.S_IMODE(os.stat(os.path.join(base, leaf)).st_mode),
                     0o600, leaf)
        d.stop()
    if os.path.exists(d.socket):
        os.unlink(d.socket)
    harness.write_file(d.socket, "precious")
    d.refused("not a socket")
    same(harness.read_file(d.socket), b"precious", "a file in the way")
    os.unlink(d.socket)
    d.arguments = ["--socket", "/" + "x" * 108]
    d.refused("the path of a socket")
    d.arguments = ["--socket", os.path.join(t.dir, "nowhere", "s")]
    d.refused("does not exist")
    fifo = os.path.join(t.dir, "fifo")
    os.mkfifo(fifo)
    d.arguments = ["--config", fifo]
    d.refused("fifo: not a regular file")
    show("an old socket is replaced, a file in its place is not; modes are "
         "exact under any umask")


# --- an ordinary user -------------------------------------------------------

def ordinary_user(t):
    """Somebody without any privilege runs a vault for a group."""
    uid = 48900
    keyfile = t.keyfile(name="ordinary", uid=uid)
    d = t.daemon(uid=uid, keyfile=keyfile)
    same(d.proc_status()["Uid"].split(), [str(uid)] * 4, "its ids")
    same(os.stat(d.state_dir).st_uid, uid, "owner of the state directory")
    me = t.agent(uid).connect(d.socket)
    status(me.call("vault.init", type=wire.KEYFILE, key=harness.slot_key(
        harness.read_file(keyfile))), "OK", "init by the group")
    build(me)
    stranger = t.agent(48001).connect(d.socket)
    status(stranger.call("vault.report"), "DENIED", "a stranger")
    status(stranger.get("w", "n"), "DENIED", "a stranger")
    status(d.connect().call("vault.report"), "OK", "uid 0 is an operator")
    d.stop()
    d.start()
    same(t.agent(uid).connect(d.socket).state(), wire.OPEN,
         "state after a start with the keyfile")
    d.stop()
    os.chown(d.state_dir, 0, 0)
    d.refused("state directory")
    show("an ordinary user runs one; what is not the user's is refused")


def test(t):
    drain(t)
    hangup(t)
    activation(t)
    credentials(t)
    watchdog(t)
    socket_file(t)
    harness.need_root()
    paused(t)
    operators_change(t)
    ordinary_user(t)


harness.main(test, limit=120)
