"""A program, rehearsed: run again and again in children of one process
(rehearsal.c), and something else goes wrong each time.  The command has the
answers that the daemon once gave it:

    stage = CommandStage(t)
    take = stage.record(place.d.socket, place.words("get ml/other"))
    take.code, take.out, take.err       # as it was with the daemon
    again = stage.play(take, ALLOCATION, 3)
    again.met[CALL]                     # what could have failed so: from
                                        # where each was called
"""
import base64
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import time

import cofre_wire as wire
import harness
import refusals
from expect import check

NOTHING, ALLOCATION, CALL, INTERRUPT, HALVE = range(5)
PLACES = 4096
ENDING = struct.Struct("=i5I%dI" % (5 * PLACES))
LIMIT = 60000           # ms


class Outcome:
    """How a run of the command has ended."""

    def __init__(self, status, met, out, err):
        self.code = os.waitstatus_to_exitcode(status)
        # Those that could have failed, in each way: from where, as far as
        # that is known.
        self.met = met
        self.out, self.err = out, err.decode(errors="replace")


class Take:
    """A command line, what it is given, and what the daemon has answered:
    [(operation, answer)] of each connection."""

    def __init__(self, words, stdin):
        self.words, self.stdin = words, stdin
        self.connections = []
        self.code = self.out = self.err = self.met = None

    @property
    def line(self):
        return " ".join(self.words)

    def exchanges(self):
        return sum(len(c) for c in self.connections)


class Peer:
    """A connection of the command."""

    def __init__(self, sock, answer):
        self.sock, self.answer, self.data = sock, answer, b""

    def serve(self):
        """False at its end."""
        try:
            more = self.sock.recv(1 << 18)
            self.data += more
            while more and len(self.data) >= 4:
                size = 4 + struct.unpack(">I", self.data[:4])[0]
                if len(self.data) < size:
                    break
                frame, self.data = self.data[:size], self.data[size:]
                reply = self.answer(frame)
                if reply is None:
                    return False
                self.sock.sendall(reply)
                if not whole(reply):
                    return False
            return bool(more)
        except OSError:
            return False


def whole(frame):
    """Is it all that its length says?"""
    return len(frame) >= 4 and \
        len(frame) == 4 + struct.unpack(">I", frame[:4])[0]


def operation(frame):
    return struct.unpack(">H", frame[6:8])[0]


def recorder(take, to):
    """Answers of the real daemon, one connection for each."""
    def connection():
        real = wire.Connection(to, greet=False)
        exchanges = []
        take.connections.append(exchanges)

        def answer(frame):
            real.send_raw(frame)
            reply = real.receive()
            if reply is None:
                return None
            exchanges.append((operation(frame), reply.data))
            return reply.data
        return answer
    return connection


def player(take, change):
    """The same answers, but for what is changed; a command that asks
    something else has lost its daemon."""
    connections = iter(take.connections)
    place = iter(range(1 << 30))

    def connection():
        exchanges = iter(next(connections, ()))

        def answer(frame):
            op, reply = next(exchanges, (None, None))
            if op != operation(frame):
                return None
            return change(next(place), frame, reply)
        return answer
    return connection


def unchanged(_, frame, reply):
    return reply


class Stage:
    """One program that is run again and again."""

    def __init__(self, t, program, **environment):
        self.dir = os.path.join(t.dir, "stage")
        os.mkdir(self.dir, 0o700)
        self.files = [os.path.join(self.dir, n)
                      for n in ("stdin", "stdout", "stderr")]
        self.control, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        preload = os.path.abspath(os.path.join(
            os.environ.get("BUILD", "."), "tests/system/.libs/rehearsal.so"))
        environment = dict(os.environ, LD_PRELOAD=preload,
                           REHEARSAL=str(theirs.fileno()), **environment)
        self.process = subprocess.Popen([program], env=environment,
                                        pass_fds=[theirs.fileno()])
        theirs.close()
        t.undo.append(self.close)

    def close(self):
        self.control.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def begin(self, words, stdin, kind, nth, out):
        harness.write_file(self.files[0], stdin)
        harness.write_file(self.files[2], b"")
        packet = [str(kind), str(nth), self.dir, self.files[0],
                  out or self.files[1], self.files[2]] + words
        self.control.send(b"".join(w.encode() + b"\0" for w in packet))

    def end(self, out):
        told = self.control.recv(ENDING.size)
        check(told, "the stage has ended")
        status, *rest = ENDING.unpack(told)
        counts, places = rest[:5], rest[5:]
        met = [(places[i * PLACES:i * PLACES + n] +
                [None] * (n - PLACES)) for i, n in enumerate(counts)]
        return Outcome(status, met, b"" if out else
                       harness.read_file(self.files[1]),
                       harness.read_file(self.files[2]))


class CommandStage(Stage):
    """The command, and who speaks to it."""

    def __init__(self, t):
        super().__init__(t, t.cofre())
        self.path = os.path.join(self.dir, "s")
        self.gone = []          # files that a run may have made
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)

    def close(self):
        super().close()
        self.listener.close()

    def run(self, words, stdin, connection, kind=NOTHING, nth=0, out=None):
        for path in self.gone:
            if os.path.lexists(path):
                os.unlink(path)
        self.begin(["cofre", "--socket", self.path] + words, stdin, kind,
                   nth, out)
        peers = {}
        ears = select.poll()
        ears.register(self.control, select.POLLIN)
        ears.register(self.listener, select.POLLIN)
        ended = False
        while not ended:
            events = ears.poll(LIMIT)
            check(events, "cofre %s does not end" % " ".join(words))
            for fd, _ in events:
                if fd == self.control.fileno():
                    ended = True
                elif fd == self.listener.fileno():
                    sock = self.listener.accept()[0]
                    peers[sock.fileno()] = Peer(sock, connection())
                    ears.register(sock, select.POLLIN)
                elif not peers[fd].serve():
                    ears.unregister(fd)
                    peers.pop(fd).sock.close()
        for peer in peers.values():
            peer.sock.close()
        return self.end(out)

    def record(self, to, words, stdin=b"none"):
        take = Take(words, stdin)
        got = self.run(words, stdin, recorder(take, to))
        take.code, take.out, take.err = got.code, got.out, got.err
        return take

    def play(self, take, kind=NOTHING, nth=0, change=unchanged, out=None):
        return self.run(take.words, take.stdin, player(take, change), kind,
                        nth, out)


class DaemonStage(Stage):
    """A daemon that is started, and ended as soon as it is ready."""

    def __init__(self, t, d):
        self.d, self.path = d, os.path.join(t.dir, "ready")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.path)
        os.chmod(self.path, 0o666)
        super().__init__(t, t.cofred(), NOTIFY_SOCKET=self.path)

    def close(self):
        super().close()
        self.notify.close()

    def start(self, kind=NOTHING, nth=0):
        """(was it ready?, how it has ended)"""
        self.begin(self.d.command(), b"", kind, nth, None)
        ready, limit = False, time.monotonic() + LIMIT / 1000
        while True:
            # Who can't reach the socket of sd_notify has said so all the
            # same: that is looked for now and then.
            told = select.select([self.control, self.notify], [], [], 0.5)[0]
            check(time.monotonic() < limit,
                  "cofred is neither ready nor does it end")
            if self.control in told:
                return ready, self.end(None)
            if self.notify in told and not self.notify.recv(4096).startswith(
                    b"READY=1"):
                continue
            if not ready and (self.notify in told or b"cofred: ready" in
                              harness.read_file(self.files[2])):
                ready = True
                child, = harness.children_of(self.process.pid)
                os.kill(child, signal.SIGTERM)


def choose(every, most, start=0.0):
    """All, or so many of them, evenly; the first one is in that part of the
    first stretch."""
    if not 0 < most < len(every):
        return every
    return [every[int((i + start) * len(every) / most)] for i in range(most)]


class Choice:
    """Of what could have failed: so many, evenly, and, if places matter, each
    that is called from a place from which nothing was chosen before."""

    def __init__(self, most, places=True):
        self.most, self.places = most, places
        self.seen, self.turn = {None}, 0

    def of(self, kind, met):
        found = set(choose(range(1, len(met) + 1), self.most,
                           self.turn * 0.618 % 1))
        self.turn += 1
        for nth, place in enumerate(met, 1):
            key = place and (kind, place)
            if self.places and key not in self.seen:
                self.seen.add(key)
                found.add(nth)
        return sorted(found)


# What is rehearsed besides refusals.VERBS: the line, and what it is given.
KEY = base64.b64encode(b"k" * 64)
ACCOUNT = b"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=%s;" \
    b"EndpointSuffix=core.windows.net" % KEY
SECRET = b"hunter2hunter2"
MORE = [
    ("put ml/store --kind storage", ACCOUNT),
    ("put ml/blob --kind datastore --type azure-blob --follows store "
     "--meta container=c", b""),
    ("put ml/reg --kind registry --server r.example --username u", b"pw"),
    ("put ml/sql --kind datastore --type azure-sql --expires +30d",
     b"Server=tcp:h.example,1433;Initial Catalog=db;User ID=u;"
     b"Password=\"p;w\";Encrypt=True;Connection Timeout=30;"),
    ("put ml/pg --kind datastore --type azure-postgres",
     b"postgresql://u:p%40w@h.example:5432/db?sslmode=require"),
    ("put ml/my --kind datastore --type azure-mysql",
     b"mysql://u:pw@h.example:3306/db"),
    ("put ml/two --kind generic --field a=- --meta b=c", SECRET),
    ("show ml/store", b""), ("show ml/store --json", b""),
    ("get ml/store --format connection-string", b""),
    ("get ml/store --format sas", b""), ("get ml/blob --json", b""),
    ("get ml/blob --format connection-string", b""),
    ("get ml/sql --format ado", b""), ("get ml/pg --format libpq", b""),
    ("get ml/pg --format postgres-uri", b""),
    ("get ml/my --format mysql-uri", b""),
    ("get ml/two --field a --output OUT", b""),
    ("list ml --json", b""), ("versions ml/store", b""),
    ("source set ml/store up at=x --sources SOURCES", b""),
    ("source list ml --json", b""),
    ("resync-keys ml --sources SOURCES", b""),
    ("resync-keys --all --dry-run --sources SOURCES --json", b""),
    ("run exec -w ml --secret two:a=x --secret store:connection-string -- "
     "true {x} {store}", b""),
    ("ssh-agent -w ml --agent AGENT -- true", b""),
    ("role actions", b""), ("role actions --json", b""),
    ("activity verify STATE", b""), ("activity verify STATE --json", b""),
    ("activity -n 2 --json --status ok", b""),
    ("identity bind ml --uid 7 --exe /bin/true", b""),
    ("target create ml/h2 --host h --user u --port 23", b""),
    ("target set ml/h2 --restricted --for-runs", b""),
    ("target known-hosts ml/host", b""), ("ca host ml/host", b""),
    ("ca user ml/host --output OUT", b""), ("ca revoke ml 1", b""),
    ("run start -w ml --secret other --pid OTHER --label l --json", b""),
    ("run list ml --state active --label l", b""),
    ("run list ml --state over", b""),
    ("put ml/new2 --kind generic --create --strip", SECRET + b"\n"),
    ("put ml/new2 --kind generic --create", SECRET),
    ("put ml/new2 --kind generic --if-version 1", SECRET),
    ("role list /", b""), ("role export reader", b""),
    ("role show reader --workspace ml --version 1", b""),
    ("role import -", b"{"), ("unlock", SECRET + b"\n"), ("init", SECRET + b"\n"),
    ("unlock --slot 3 --keyfile KEYFILE", b""),
    ("activity --op secret.put --since 2026-01-01T00:00:00Z", b""),
    ("who / --action vault.unlock", b""), ("why user:0 secret.get ml", b""),
    ("delete ml/two", b""), ("purge ml/two --yes=ml/two", b""),
    ("workspace undelete ml", b""),
]
# Those that leave nothing for others come last.
LAST = ("purge", "workspace purge", "workspace delete", "workspace undelete",
        "lock")
# What nobody answers here in time.
UNTIMELY = ("watch", "target authorize")
SOURCE = """#!/bin/sh
read -r request
echo '{"fields": {"AccountKey": "%s"}, "slot": 1}'
""" % KEY.decode()


def lines():
    """Every verb, in an order in which each can be done."""
    every = MORE + [(line, SECRET) for line, _ in refusals.VERBS]
    every = [e for e in every if not e[0].startswith(UNTIMELY)]

    def place(e):
        return next((1 + i for i, verb in enumerate(LAST)
                     if e[0].startswith(verb)), 0)
    return sorted(every, key=place)


def furnish(t, place):
    """What the lines name."""
    sources = os.path.join(t.dir, "sources.d")
    os.mkdir(sources, 0o755)
    os.chmod(sources, 0o755)
    harness.write_file(os.path.join(sources, "up"), SOURCE, 0o755)
    harness.write_file(os.path.join(sources, "rules"), "up * at=x\n", 0o644)
    state = os.path.join(t.dir, "copy")
    shutil.copytree(place.d.state_dir, state)
    other = subprocess.Popen(["sleep", "1000"])
    t.undo += [other.wait, other.kill]
    place.names.update(SOURCES=sources, STATE=state, OTHER=str(other.pid),
                       AGENT=place.d.socket + ".agent")


def repertoire(t):
    """A stage, takes of every verb, and where they were made."""
    place = refusals.Place(t, dict(agent_socket=os.path.join(t.dir,
                                                             "d1/s.agent")))
    furnish(t, place)
    stage = CommandStage(t)
    stage.gone = [place.names[n] for n in ("OUT", "NEW")]
    takes = []
    for line, stdin in lines():
        takes.append(stage.record(place.d.socket, place.words(line), stdin))
        if line == "lock":
            takes.append(stage.record(place.d.socket, place.words(
                "unlock --keyfile KEYFILE")))
    new = t.daemon()
    takes.append(stage.record(new.socket, place.words("init --keyfile NEW")))
    return stage, takes, place
