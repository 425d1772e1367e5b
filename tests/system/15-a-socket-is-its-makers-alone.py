"""A connection is of use to the process that has made it, and to no other.

Who else speaks on it - a child that inherited it, a program of another user
that was passed it, whoever got the dead maker's process id, the maker itself
with other ids - is refused, and recorded with what the kernel says of both.
"""
import array
import os
import signal
import socket
import struct
import subprocess

import cofre_wire as wire
import harness
from expect import Skip, check, same, show, status
from people import become

OWNER, STRANGER = 41101, 41102
SECRET = b"canary-of-the-owner"
OTHER_SENDER = 64
ROUNDS = 100


def child(function):
    """Run it in a child process; its exit code must be 0."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            function()
            code = 0
        except BaseException as e:      # told by the exit code
            print("child: %r" % e, flush=True)
        os._exit(code)
    same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0,
         "exit code of the child")
    return pid


def refused(c, what):
    """The secret is not given out, and the connection is closed."""
    reply = c.call("secret.get", workspace="w", name="n")
    status(reply, "OTHER_PROCESS", what)
    check(SECRET not in reply.data, what + ": the secret")
    same(c.receive(), None, what + ": afterwards")


def events_of(root, uid):
    return [e for e in root.events() if e["uid"] == uid and
            e["status"] == wire.STATUS["OTHER_PROCESS"]]


def check_record(root, maker, sender_uid, sender_pid):
    e = events_of(root, maker)[-1]
    check(e["flags"] & OTHER_SENDER, "flags of the record: %d" % e["flags"])
    same(e["detail"].decode(), "sent by uid %d gid %d pid %d" %
         (sender_uid, sender_uid, sender_pid), "detail of the record")
    same(e["op"], wire.OPERATIONS["secret.get"][0], "operation recorded")
    return e


def as_owner(function):
    def run():
        become(OWNER)
        function()
    return child(run)


def inherited(t, d, root):
    """A child speaks on its parent's connection; then the parent does."""
    def parent():
        c = d.connect()
        status(c.call("secret.get", workspace="w", name="n"), "OK", "before")
        pid = child(lambda: refused(c, "a child"))
        with open(os.path.join(t.dir, "pid"), "w") as f:
            f.write(str(pid))
    os.chmod(t.dir, 0o777)
    as_owner(parent)
    with open(os.path.join(t.dir, "pid")) as f:
        check_record(root, OWNER, OWNER, int(f.read()))
    show("a child of the maker is refused, and recorded")


def shared(d):
    """hello and status are for anybody; all else ends, for the maker too."""
    def parent():
        c = d.connect()
        child(lambda: status(c.call("status"), "OK", "a child's status"))
        refused(c, "the maker, after a child has spoken")
    as_owner(parent)
    show("status is shared; what follows it is refused to both")


def split(d):
    """A frame of which a child has sent the second half."""
    def parent():
        c = d.connect()
        data = wire.request("secret.get", 7, workspace="w", name="n")
        c.send_raw(data[:-3])
        child(lambda: c.send_raw(data[-3:]))
        reply = c.receive()
        status(reply, "OTHER_PROCESS", "half a frame from a child")
        check(SECRET not in reply.data, "the secret, for half a frame")
    as_owner(parent)
    show("a frame of two senders is refused")


def passed(d, root):
    """The owner passes its connection to another user's process."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def owner():
        c = d.connect()
        status(c.call("secret.get", workspace="w", name="n"), "OK", "owner")
        fds = array.array("i", [c.socket.fileno()])
        here.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        here.recv(1)

    def stranger():
        become(STRANGER)
        data, fds, _, _ = socket.recv_fds(there, 1, 1)
        s = socket.socket(fileno=fds[0])
        s.setblocking(True)
        s.sendall(wire.request("secret.get", 9, workspace="w", name="n"))
        got = s.recv(65536)
        check(SECRET not in got, "the stranger got the secret")
        same(got[12:16], struct.pack(">I", wire.STATUS["OTHER_PROCESS"]),
             "status for the stranger")
        there.send(b"x")

    pid = os.fork()
    if pid == 0:
        try:
            become(OWNER)
            owner()
        finally:
            os._exit(0)
    sender = child(stranger)
    os.waitpid(pid, 0)
    check_record(root, OWNER, STRANGER, sender)
    show("a stranger who is passed the connection is refused and recorded")


def other_ids(d, root):
    """The maker with other ids than it had: down, and up by forging."""
    def down():
        c = d.connect()                 # as root
        become(OWNER)
        refused(c, "root that became another user")
    child(down)
    e = events_of(root, 0)[-1]
    check("sent by uid %d" % OWNER in e["detail"].decode(), e["detail"])

    def forge():
        become(OWNER)
        c = d.connect()
        for ids in ((os.getpid(), 0, 0), (1, OWNER, OWNER)):
            try:
                c.socket.sendmsg([b"x"], [(socket.SOL_SOCKET, 2,
                                           struct.pack("3i", *ids))])
            except PermissionError:
                continue
            raise AssertionError("the kernel lets %r be forged" % (ids,))
    child(forge)
    show("other ids of the maker are refused; the kernel refuses forged ones")


def reused(d, rounds):
    """The maker dies, another process gets its pid and its connection."""
    last = "/proc/sys/kernel/ns_last_pid"
    if not os.access(last, os.W_OK):
        raise Skip("the kernel lets no process id be chosen (%s)" % last)
    hits = 0
    for _ in range(rounds):
        r, w = os.pipe()
        keep, give = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            become(OWNER)
            c = d.connect()
            socket.send_fds(give, [b"x"], [c.socket.fileno()])
            os.read(r, 1)
            os._exit(0)
        _, fds, _, _ = socket.recv_fds(keep, 1, 1)
        os.write(w, b"x")
        os.waitpid(pid, 0)
        with open(last, "w") as f:
            f.write(str(pid - 1))
        thief = os.fork()
        if thief == 0:
            become(OWNER)
            s = socket.socket(fileno=fds[0])
            s.setblocking(True)
            try:
                s.sendall(wire.request("secret.get", 9, workspace="w",
                                       name="n"))
                bad = SECRET in s.recv(65536)
            except OSError:
                bad = False
            os._exit(1 if bad else 0)
        hits += thief == pid
        same(os.waitstatus_to_exitcode(os.waitpid(thief, 0)[1]), 0,
             "a process with the dead maker's id got the secret")
        for fd in (r, w, fds[0]):
            os.close(fd)
        keep.close()
        give.close()
    check(hits > 0, "the process id was never the same")
    show("%d of %d thieves had the dead maker's process id, none got it" %
         (hits, rounds))


def unseen(t):
    """A daemon in a PID namespace of its own: peers outside are nobody."""
    d = harness.Daemon(t, prefix=("unshare", "--pid", "--fork",
                                  "--kill-child", "--mount-proc"))
    d.start()
    c = d.connect()
    status(c.call("status"), "OK", "status of a daemon that can't see us")
    status(c.call("vault.init", type=wire.KEYFILE, key=harness.KEY),
           "DENIED", "root whose process id is 0 there")
    c.close()
    # unshare would have its child killed with it, but the kernel forgets
    # that when the daemon changes its user.
    pid = d.process.pid
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        for child_pid in f.read().split():
            os.kill(int(child_pid), signal.SIGKILL)
    d.kill()
    show("who has no process id is nobody, root too")


def setid(t, d):
    """A program with other effective than real ids uses the library."""
    copy = os.path.join(t.dir, "cofre-setid")
    harness.write_file(copy, harness.read_file(t.cofre()), 0o755)
    os.chown(copy, OWNER, OWNER)
    os.chmod(copy, 0o6755)
    probe = subprocess.run(
        [copy, "--socket", d.socket, "get", "w/n", "--field", "value"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=STRANGER,
        group=STRANGER, extra_groups=[])
    same(probe.stdout, SECRET, "a set-uid cofre: %r" % probe.stderr)
    # The leak checker can't look into a set-uid program, and says so.
    same(probe.returncode, 1 if b"LeakSanitizer has encountered" in
         probe.stderr and t.has_sanitizer() else 0, "its exit code")
    show("a set-uid program is known by its effective ids")


def test(t):
    harness.need_root()
    d = t.daemon()
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK", "workspace")
    status(root.call("grant.add", workspace="w", principal=wire.USER,
                     id=OWNER, role=wire.CONTRIBUTOR), "OK", "grant")
    status(root.call("secret.put", workspace="w", name="n", fields=[
        dict(name="value", flags=1, value=SECRET)]), "OK", "secret")
    inherited(t, d, root)
    shared(d)
    split(d)
    passed(d, root)
    other_ids(d, root)
    reused(d, ROUNDS)
    setid(t, d)
    unseen(t)
    d.stop()


harness.main(test, limit=120)
