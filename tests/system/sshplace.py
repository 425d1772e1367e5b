"""A place with an sshd of its own: real OpenSSH, on a loopback device and
with accounts that nobody else on the machine sees.

The test moves into a mount and a network namespace.  There /etc/passwd,
/etc/group and /etc/shadow are copies with accounts added, whose homes are in
the test's directory, and port 22 of 127.0.0.1 is free.
"""
import ctypes
import fcntl
import os
import select
import shutil
import socket
import struct
import subprocess
import threading
import time

import harness
from expect import Skip, check

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
START_LIMIT = 30.0

EXTENSION = 27


def own_uids(n):
    """User ids that no other test has, nor another run of this one: what they
    leave in /tmp is this run's."""
    first = 200000 + os.getpid() * 8
    return range(first, first + n)


def left_in_tmp(*uids):
    """Directories of the command that these users have left."""
    found = []
    for name in os.listdir("/tmp"):
        try:
            if name.startswith("cofre-") and \
                    os.stat("/tmp/" + name).st_uid in uids:
                found.append(name)
        except FileNotFoundError:
            pass        # somebody else's, who has just ended
    return found


def call(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, what + ": " + os.strerror(error))


def mount(source, target, kind=None, flags=0):
    call(LIBC.mount(source.encode(), target.encode(),
                    kind.encode() if kind else None,
                    ctypes.c_ulong(flags), None), "mount " + target)


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(s, SIOCGIFFLAGS,
                                                     request))[1]
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo",
                                                 flags | IFF_UP))


class Place:
    """accounts: {name: uid}.  Root only."""

    def __init__(self, t, accounts):
        harness.need_root("a namespace needs root")
        for name in ("ssh", "ssh-keygen", "ssh-agent", "ssh-add"):
            if shutil.which(name) is None:
                raise Skip("%s is not installed" % name)
        if not os.path.exists("/usr/sbin/sshd"):
            raise Skip("sshd is not installed")
        call(LIBC.unshare(CLONE_NEWNS | CLONE_NEWNET), "unshare")
        mount("none", "/", None, MS_REC | MS_PRIVATE)
        self.t = t
        self.dir = os.path.join(t.dir, "place")
        os.mkdir(self.dir, 0o755)
        os.chmod(self.dir, 0o755)
        self.homes = {}
        self.servers = []
        self.add_accounts(accounts)
        if not os.path.isdir("/run/sshd"):
            mount("none", "/run", "tmpfs")
            os.mkdir("/run/sshd", 0o755)
            os.chmod("/run/sshd", 0o755)
        loopback_up()
        t.undo.append(self.close)

    def add_accounts(self, accounts):
        lines = {"passwd": "", "group": "", "shadow": ""}
        for name, uid in accounts.items():
            home = os.path.join(self.dir, name)
            os.mkdir(home, 0o700)
            os.chown(home, uid, uid)
            self.homes[name] = home
            lines["passwd"] += "%s:x:%d:%d::%s:/bin/sh\n" % (name, uid, uid,
                                                            home)
            lines["group"] += "%s:x:%d:\n" % (name, uid)
            lines["shadow"] += "%s:*:19000::::::\n" % name
        # sshd wants an account of its own, and Debian's package makes it.
        if b"\nsshd:" not in harness.read_file("/etc/passwd"):
            lines["passwd"] += "sshd:x:46099:46099::/run/sshd:/bin/false\n"
        for name, text in lines.items():
            copy = harness.write_file(
                os.path.join(self.dir, name),
                harness.read_file("/etc/" + name) + text.encode(),
                0o600 if name == "shadow" else 0o644)
            mount(copy, "/etc/" + name, None, MS_BIND)

    def make_key(self, name, uid=None, comment="test"):
        """An ed25519 key made by ssh-keygen; its path."""
        path = os.path.join(self.dir, name)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                        comment, "-f", path], check=True)
        if uid is not None:
            os.chown(path, uid, uid)
        os.chmod(path + ".pub", 0o644)
        return path

    def serve(self, hostkey, **settings):
        """An sshd with that host key on port 22, or another one."""
        server = Sshd(self, hostkey, settings)
        self.servers.append(server)
        return server.start()

    def close(self):
        for server in self.servers:
            server.stop()


class Sshd:
    def __init__(self, place, hostkey, settings):
        self.log = os.path.join(place.dir, "sshd.%d.log" %
                                len(place.servers))
        self.config = self.log.replace(".log", ".conf")
        self.port = int(settings.get("Port", 22))
        self.process = None
        said = {"Port": 22, "ListenAddress": "127.0.0.1", "UsePAM": "no",
                "HostKey": hostkey, "PasswordAuthentication": "no",
                "KbdInteractiveAuthentication": "no", "PidFile": "none",
                "LogLevel": "VERBOSE", "MaxStartups": "100:30:200",
                "PrintMotd": "no", "PrintLastLog": "no"}
        said.update(settings)
        harness.write_file(self.config, "".join(
            "%s %s\n" % line for line in said.items()), 0o644)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", self.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + START_LIMIT
        while b"Server listening" not in harness.read_file(self.log):
            check(self.process.poll() is None and time.monotonic() < end,
                  "sshd does not listen:\n" + self.said())
            select.select([], [], [], 0.01)
        return self

    def said(self):
        return harness.read_file(self.log).decode(errors="replace")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
        self.process = None


class Front:
    """In front of a real ssh-agent: what the daemon's agent does besides.
    A connection begins with the workspace; an extension of the name
    echo@test comes back as it is."""

    def __init__(self, place, keys, workspaces, uid=None):
        self.workspaces = set(workspaces)
        self.path = os.path.join(place.dir, "agent")
        self.behind = os.path.join(place.dir, "openssh-agent")
        self.agent = subprocess.Popen(
            ["ssh-agent", "-D", "-a", self.behind],
            stdout=subprocess.DEVNULL)
        end = time.monotonic() + START_LIMIT
        while not answers(self.behind):
            check(time.monotonic() < end, "ssh-agent does not start")
            select.select([], [], [], 0.01)
        for key in keys:
            subprocess.run(["ssh-add", "-q", key], check=True,
                           env={**os.environ, "SSH_AUTH_SOCK": self.behind})
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(64)
        self.peers = []     # (pid, uid) of who has connected
        threading.Thread(target=self.accept, daemon=True).start()
        place.t.undo.append(self.close)

    def accept(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            pid, uid, _ = struct.unpack("3i", c.getsockopt(
                socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            self.peers.append((pid, uid))
            threading.Thread(target=self.serve, args=(c,),
                             daemon=True).start()

    def serve(self, c):
        try:
            self.pass_on(c)
        except OSError:
            pass        # one of the two has gone

    def pass_on(self, c):
        with c, socket.socket(socket.AF_UNIX) as behind:
            first = self.extension(read_message(c))
            if first is None or first[0] != b"workspace@cofre" or \
                    first[1][4:].decode() not in self.workspaces:
                c.sendall(b"\0\0\0\1\5")
                return
            c.sendall(b"\0\0\0\1\6")
            behind.connect(self.behind)
            while True:
                message = read_message(c)
                if message is None:
                    return
                extension = self.extension(message)
                if extension and extension[0] == b"echo@test":
                    answer = message
                else:
                    send_message(behind, message)
                    answer = read_message(behind)
                send_message(c, answer)

    @staticmethod
    def extension(message):
        """Its name and what follows, or None."""
        if not message or message[0] != EXTENSION:
            return None
        n, = struct.unpack_from(">I", message, 1)
        return message[5:5 + n], message[5 + n:]

    def close(self):
        self.listener.close()
        self.agent.terminate()
        self.agent.wait()


def answers(path):
    """Does somebody listen there?  The file is there a moment before."""
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(path) == 0


def read_message(s):
    head = read_exactly(s, 4)
    return None if head is None else read_exactly(s, *struct.unpack(">I",
                                                                    head))


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        try:
            part = s.recv(min(n - len(data), 1 << 16))
        except ConnectionError:
            return None
        if not part:
            return None
        data += part
    return data


def send_message(s, message):
    s.sendall(struct.pack(">I", len(message)) + message)
