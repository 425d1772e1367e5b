"""An ssh client's side of the agent protocol (RFC 9987), and an sshd.

It is written from the protocol's documents, shares nothing with the C code,
and sends whatever it is told to.  Ed25519 is here only so that a host can
sign a session: it is slow, and takes no care of its secrets.
"""
import hashlib
import os
import shutil
import socket
import struct
import subprocess

from expect import check

FAILURE, SUCCESS, LIST, LISTED, SIGN, SIGNED = 5, 6, 11, 12, 13, 14
EXTENSION, EXTENSION_FAILURE = 27, 28
ED25519 = b"ssh-ed25519"

# --- Ed25519 (RFC 8032) ----------------------------------------------------

P = 2 ** 255 - 19
ORDER = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE_Y = 4 * pow(5, P - 2, P) % P


def x_of(y):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P)
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P != 0:
        x = x * pow(2, (P - 1) // 4, P) % P
    return x if x % 2 == 0 else P - x


def add(a, b):
    t = D * a[0] * b[0] * a[1] * b[1] % P
    return ((a[0] * b[1] + b[0] * a[1]) * pow(1 + t, P - 2, P) % P,
            (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, P - 2, P) % P)


def times(n):
    point, sum_ = (x_of(BASE_Y), BASE_Y), (0, 1)
    while n > 0:
        if n & 1:
            sum_ = add(sum_, point)
        point, n = add(point, point), n >> 1
    return (sum_[1] | (sum_[0] & 1) << 255).to_bytes(32, "little")


def number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


class Key:
    """A key pair of a host."""

    def __init__(self, seed):
        h = hashlib.sha512(seed).digest()
        self.prefix = h[32:]
        low = int.from_bytes(h[:32], "little")
        self.secret = low & (1 << 254) - 8 | 1 << 254
        self.public = times(self.secret)
        self.blob = blob(self.public)

    def sign(self, data):
        r = number(self.prefix, data) % ORDER
        point = times(r)
        s = (r + number(point, self.public, data) * self.secret) % ORDER
        return string(ED25519) + string(point + s.to_bytes(32, "little"))


# --- messages --------------------------------------------------------------

def string(data):
    if isinstance(data, str):
        data = data.encode()
    return struct.pack(">I", len(data)) + data


def blob(public):
    return string(ED25519) + string(public)


def message(kind, rest=b""):
    return string(bytes([kind]) + rest)


def bind(host, session, signature=None, forwarding=0, key=None):
    return message(EXTENSION, string("session-bind@openssh.com") +
                   string(key or host.blob) + string(session) +
                   string(signature or host.sign(session)) +
                   bytes([forwarding]))


def login(session, user, key, host=None, service="ssh-connection",
          algorithm=ED25519):
    """What is signed to log in; with a host, as OpenSSH does it today."""
    return (string(session) + b"\x32" + string(user) + string(service) +
            string("publickey" if host is None else
                   "publickey-hostbound-v00@openssh.com") +
            b"\1" + string(algorithm) + string(key) +
            (b"" if host is None else string(host)))


def sshsig(namespace, hash_="sha512"):
    return (b"SSHSIG" + string(namespace) + string("") + string(hash_) +
            string(hashlib.new(hash_, b"x").digest()))


def sign(key, data, flags=0):
    return message(SIGN, string(key) + string(data) +
                   struct.pack(">I", flags))


class Client:
    """A connection to an agent."""

    def __init__(self, path, workspace=None):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.heard = b""
        if workspace is not None:
            check(self.ask(message(EXTENSION, string("workspace@cofre") +
                                   string(workspace)))[0] == SUCCESS,
                  "the workspace is not taken")

    def exactly(self, n):
        data = b""
        while len(data) < n:
            part = self.socket.recv(n - len(data))
            if not part:
                return None
            data += part
        return data

    def receive(self):
        """Number and body of a message; None at the end."""
        try:
            head = self.exactly(4)
            body = head and self.exactly(struct.unpack(">I", head)[0])
        except ConnectionResetError:
            return None
        if not body:
            return None
        self.heard += head + body
        return body[0], body[1:]

    def ask(self, data):
        try:
            self.socket.sendall(data)
        except BrokenPipeError:
            return None
        return self.receive()

    def keys(self):
        """[(blob, comment)], or None for a refusal."""
        kind, body = self.ask(message(LIST))
        if kind == FAILURE:
            return None
        check(kind == LISTED, "a list is message %d" % kind)
        count, at, found = struct.unpack(">I", body[:4])[0], 4, []
        for _ in range(count):
            pair = []
            for _ in range(2):
                n = struct.unpack(">I", body[at:at + 4])[0]
                pair.append(body[at + 4:at + 4 + n])
                at += 4 + n
            found.append(tuple(pair))
        check(at == len(body), "bytes behind a list")
        return found

    def signs(self, key, data, flags=0):
        """The signature, or None for a refusal."""
        kind, body = self.ask(sign(key, data, flags))
        if kind == FAILURE:
            check(body == b"", "a refusal says more")
            return None
        check(kind == SIGNED and len(body) == 4 + 83, "a signature")
        return body[4 + 4 + len(ED25519) + 4:]

    def binds(self, *arguments, **more):
        kind, body = self.ask(bind(*arguments, **more))
        check(kind in (SUCCESS, EXTENSION_FAILURE) and body == b"",
              "a bind's answer is %d" % kind)
        return kind == SUCCESS


# --- an sshd ---------------------------------------------------------------

CONFIG = """\
HostKey %(dir)s/host
AuthorizedKeysFile %(dir)s/authorized
TrustedUserCAKeys %(dir)s/ca
RevokedKeys %(dir)s/krl
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
PidFile none
LogLevel VERBOSE
PrintMotd no
"""


class Sshd:
    """One on loopback, that lets root in; a process for each connection."""

    def __init__(self, directory):
        self.dir = directory
        os.mkdir(directory, 0o755)
        os.chmod(directory, 0o755)
        self.program = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin")
        os.makedirs("/run/sshd", exist_ok=True)
        for name in ("authorized", "ca", "krl", "log"):
            with open(os.path.join(directory, name), "wb"):
                pass
        keygen("-q", "-t", "ed25519", "-N", "", "-f", directory + "/host")
        with open(directory + "/conf", "w") as f:
            f.write(CONFIG % {"dir": directory})
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        self.pid = os.fork()
        if self.pid == 0:
            self.serve()
        self.listener.close()

    def serve(self):
        """In a process of its own."""
        try:
            log = os.open(self.dir + "/log", os.O_WRONLY | os.O_APPEND)
            while True:
                c, _ = self.listener.accept()
                subprocess.Popen([self.program, "-i", "-e", "-f",
                                  self.dir + "/conf"],
                                 stdin=c, stdout=c, stderr=log)
                c.close()
        finally:
            os._exit(1)

    def end(self):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)

    def put(self, name, data):
        with open(os.path.join(self.dir, name), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())

    def host_key(self):
        """Its blob."""
        with open(self.dir + "/host.pub", "rb") as f:
            return unbase64(f.read().split()[1])

    def log(self):
        with open(self.dir + "/log", errors="replace") as f:
            return f.read()


def unbase64(text):
    import base64
    return base64.b64decode(text)


def line(public_blob, comment="x"):
    import base64
    kind = public_blob[4:4 + struct.unpack(">I", public_blob[:4])[0]]
    return "%s %s %s\n" % (kind.decode(),
                           base64.b64encode(public_blob).decode(), comment)


def keygen(*arguments, stdin=b"", **more):
    return subprocess.run(["ssh-keygen", *arguments], input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, **more)


def ssh_command(port, agent, directory, *more, user="root"):
    """ssh with this agent and nothing else; known_hosts is in the
    directory."""
    return ["ssh", "-F", "none", "-p", str(port), "-l", user,
            "-o", "IdentityAgent=" + agent, "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=yes", "-o", "IdentityFile=none",
            "-o", "HostKeyAlgorithms=ssh-ed25519",
            "-o", "GlobalKnownHostsFile=none",
            "-o", "UserKnownHostsFile=%s/known" % directory, *more,
            "127.0.0.1"]
