"""Processes that stand still inside execve(2), for as long as one likes.

A user mounts a FUSE file system of his own, in namespaces of his own, whose
server never answers a flush.  A process that has a file of it open, with
O_CLOEXEC, and executes a program, waits there for good; and whoever opens
/proc/PID/pagemap of it waits with it.
"""
import ctypes
import errno
import os
import signal
import socket
import stat
import struct

import cofre_wire as wire
from expect import Failure
from people import receive_message, send_message

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x00020000
PR_SET_DUMPABLE, PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 4, 1, 36
FUSE_DEVICE = os.makedev(10, 229)
LOOKUP, FORGET, GETATTR, OPEN, RELEASE, FLUSH, INIT, BATCH_FORGET = (
    1, 2, 3, 14, 18, 25, 26, 42)
IN_HEADER = struct.Struct("=IIQQIIIHH")
ROOT, FILE = 1, 2               # inodes


def attributes(inode):
    mode = stat.S_IFDIR | 0o755 if inode == ROOT else stat.S_IFREG | 0o644
    return struct.pack("=6Q10I", inode, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0,
                       0, 0, 4096, 0)


def answer(opcode, inode):
    """(error, body), or None when there is no answer."""
    if opcode == INIT:
        return 0, struct.pack("=IIIIHHIIHHI28x", 7, 31, 4096, 0, 16, 12,
                              4096, 1, 1, 0, 0)
    if opcode == LOOKUP:
        return 0, struct.pack("=QQQQII", FILE, 0, 3600, 3600, 0, 0) + \
            attributes(FILE)
    if opcode == GETATTR:
        return 0, struct.pack("=QII", 3600, 0, 0) + attributes(inode)
    if opcode == OPEN:
        return 0, struct.pack("=QII", 0, 0, 0)
    if opcode == RELEASE:
        return 0, b""
    if opcode in (FORGET, BATCH_FORGET, FLUSH):
        return None
    return errno.ENOSYS, b""


def check_call(result, what):
    if result != 0:
        raise Failure("%s: %s" % (what, os.strerror(ctypes.get_errno())))


def serve(device, said):
    """Until it is killed; each flush is told of, with whose it is."""
    while True:
        request = os.read(device, 1 << 17)
        _, opcode, unique, inode, _, _, pid, _, _ = \
            IN_HEADER.unpack(request[:IN_HEADER.size])
        if opcode == FLUSH:
            os.write(said, struct.pack("=I", pid))
        reply = answer(opcode, inode)
        if reply is not None:
            os.write(device, struct.pack("=IiQ", 16 + len(reply[1]),
                                         -reply[0], unique) + reply[1])


def become(uid):
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def mount(uid, node, where):
    """In namespaces of its own; /dev/fuse, opened there."""
    become(uid)
    check_call(LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % uid),
                       ("gid_map", "0 %d 1" % uid)):
        with open("/proc/self/" + name, "w") as f:
            f.write(text)
    device = os.open(node, os.O_RDWR | os.O_CLOEXEC)
    check_call(LIBC.mount(b"stall", where.encode(), b"fuse", 0,
                          b"fd=%d,rootmode=40000,user_id=0,group_id=0" %
                          device), "mount of a FUSE file system")
    return device


def execute(path, where, connections, channel):
    """Connect, and stand still; another process has the sockets as well."""
    receive_message(channel)
    os.open(os.path.join(where, "file"), os.O_RDONLY | os.O_CLOEXEC)
    conns = []
    for _ in range(connections):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        conns.append(s)
    if os.fork() == 0:
        hold(conns, channel)
    os.execv("/bin/true", ["true"])


def hold(conns, channel):
    """Do with a connection what is asked: shutdown, close, hello, read."""
    conns = dict(enumerate(conns))
    while True:
        message = receive_message(channel)
        if message is None:
            os._exit(0)
        what, i = message
        if what == "shutdown":
            conns[i].shutdown(socket.SHUT_WR)
        elif what == "close":
            conns.pop(i).close()
        elif what == "hello":
            conns[i].sendall(wire.hello(1))
        said = b""
        if what == "read":
            conns[i].settimeout(60)
            while True:
                try:
                    part = conns[i].recv(4096)
                except ConnectionResetError:
                    break
                if not part:
                    break
                said += part
        send_message(channel, said)


class Stalls:
    """A user's file system, and his processes that stand still.

        with Stalls(t, uid) as s:
            p = s.process(d, 10)        # with that many connections
            s.use(p, "read", 0)         # what the daemon says on the first
    """

    def __init__(self, t, uid):
        self.uid = uid
        self.where = os.path.join(t.dir, "stall-%d" % uid)
        self.node = self.where + ".fuse"
        os.mkdir(self.where)
        os.chown(self.where, uid, uid)
        # As most systems have /dev/fuse: for everybody.
        os.mknod(self.node, stat.S_IFCHR | 0o666, FUSE_DEVICE)
        os.chmod(self.node, 0o666)
        self.channels, self.starts = {}, {}     # by process
        self.said, said = os.pipe()
        self.control, control = socket.socketpair()
        self.server = os.fork()
        if self.server == 0:
            self.run(control, said)
        os.close(said)
        control.close()
        self.pid = receive_message(self.control)
        if not isinstance(self.pid, int):
            raise self.pid

    def run(self, control, said):
        """The first process: its namespaces, the server, its processes."""
        try:
            self.control.close()
            LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            device = mount(self.uid, self.node, self.where)
            server = os.fork()
            if server == 0:
                LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                control.close()
                serve(device, said)
            os.close(device)
            os.close(said)
            send_message(control, server)
            while True:
                message = receive_message(control)
                if message is None:
                    break
                here, there = socket.socketpair()
                pid = os.fork()
                if pid == 0:
                    control.close()
                    here.close()
                    execute(message[0], self.where, message[1], there)
                there.close()
                send_message(control, pid)
                socket.send_fds(control, [b"."], [here.fileno()])
                here.close()
        except BaseException as e:
            send_message(control, Failure("%s: %s" % (type(e).__name__, e)))
        finally:
            control.close()
            while True:         # all that it has made, and they have
                try:
                    os.wait()
                except ChildProcessError:
                    os._exit(0)

    def prepare(self, d, connections=0):
        """A process that is told later to stand still."""
        send_message(self.control, (d.socket, connections))
        pid = receive_message(self.control)
        if not isinstance(pid, int):
            raise pid
        _, fds, _, _ = socket.recv_fds(self.control, 1, 1)
        self.channels[pid] = socket.socket(fileno=fds[0])
        self.channels[pid].settimeout(120)
        with open("/proc/%d/stat" % pid) as f:
            self.starts[pid] = int(f.read().rsplit(")", 1)[1].split()[19])
        return pid

    def stop(self, d, pid):
        """From here on even /proc/PID/stat waits.  The daemon has accepted
        none of its connections before."""
        os.kill(d.pid, signal.SIGSTOP)
        try:
            send_message(self.channels[pid], "go")
            if len(os.read(self.said, 4)) < 4:      # its flush
                raise Failure("the FUSE server has ended")
        finally:
            os.kill(d.pid, signal.SIGCONT)

    def process(self, d, connections=0):
        """A process that stands still."""
        pid = self.prepare(d, connections)
        self.stop(d, pid)
        return pid

    def use(self, pid, what, i):
        send_message(self.channels[pid], (what, i))
        return receive_message(self.channels[pid])

    def __enter__(self):
        return self

    def __exit__(self, *error):
        """The server's end is the end of the stalls."""
        for c in self.channels.values():
            c.close()
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.control.close()
        os.close(self.said)
        os.waitpid(self.server, 0)
        os.rmdir(self.where)
        os.unlink(self.node)
