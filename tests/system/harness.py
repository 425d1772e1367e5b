"""What the system tests share: a directory, daemons, and other people.

    def test(t):
        d = t.daemon()                  # started, ready
        d.init()
        alice = t.agent(41001)          # a process with that uid
        c = alice.connect(d.socket)
        same(c.get("w", "n").status, DENIED, "a stranger's get")

    harness.main(test, limit=60)

A test ends with exit code 0, or 77 and a reason, or 1.  Whatever happens,
its daemons are ended and its directory is removed.  Nothing here sleeps to
wait for something: readiness is READY=1 of sd_notify.
"""
import atexit
import ctypes
import hashlib
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import cofre_wire as wire
from expect import Failure, Skip, check, same, show, status
from people import Agent

HERE = os.path.dirname(os.path.abspath(__file__))
IS_ROOT = os.geteuid() == 0
START_LIMIT = 30.0
KEY = b"k" * 32         # of the first slot, where nothing else is said


def program(variable, default):
    path = os.path.abspath(os.environ.get(variable, default))
    if not os.access(path, os.X_OK):
        raise Failure("%s: no such program (set %s)" % (path, variable))
    return path


def seed():
    """The seed of everything random: printed, and taken back."""
    value = int(os.environ.get("COFRE_TEST_SEED") or
                int.from_bytes(os.urandom(4), "big"))
    show("COFRE_TEST_SEED=%d" % value)
    return random.Random(value)


def read_file(path):
    with open(path, "rb") as f:
        return f.read()


def write_file(path, data, mode=0o600):
    if isinstance(data, str):
        data = data.encode()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "wb") as f:
        f.write(data)
    os.chmod(path, mode)
    return path


class Daemon:
    """A cofred of its own, with its own state directory and socket."""

    count = 0

    def __init__(self, test, config=None, name=None, keyfile=None, uid=None,
                 arguments=(), environment=None, prefix=(), state=None):
        Daemon.count += 1
        name = name or "d%d" % Daemon.count
        self.test, self.keyfile, self.uid = test, keyfile, uid
        self.dir = os.path.join(test.dir, name)
        os.mkdir(self.dir, 0o755)
        os.chmod(self.dir, 0o755)
        self.state_dir = state or os.path.join(self.dir, "state")
        self.socket = os.path.join(self.dir, "s")
        self.log = os.path.join(self.dir, "stderr")
        self.config = os.path.join(self.dir, "conf")
        self.arguments, self.prefix = list(arguments), list(prefix)
        self.environment = environment or {}
        self.process = self.notify = None
        self.code = None
        self.notes = []         # what sd_notify told
        if uid is not None:
            os.chown(self.dir, uid, uid)
        self.configure(**(config or {}))
        test.daemons.append(self)

    def configure(self, **settings):
        if not IS_ROOT or self.uid is not None:
            # Nobody here has uid 0: the test's own group is the operators'.
            settings.setdefault("operator_group",
                                self.uid or os.getegid())
            # Nor may it look into processes of others.
            settings.setdefault("attestation", "optional")
        text = "".join("%s = %s\n" % (k, v) for k, v in settings.items())
        write_file(self.config, text, 0o644)

    def command(self):
        line = self.prefix + [self.test.cofred(), "--state", self.state_dir,
                              "--socket", self.socket,
                              "--config", self.config]
        if self.keyfile:
            line += ["--keyfile", self.keyfile]
        return line + self.arguments

    def spawn(self, **more):
        """Start the process and do not wait for it."""
        path = os.path.join(self.dir, "n")
        if self.notify is None:
            self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.notify.bind(path)
            os.chmod(path, 0o666)
        while select.select([self.notify], [], [], 0)[0]:
            self.notify.recv(4096)      # of the process before
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith(("LISTEN_", "WATCHDOG_")) and
                       k != "CREDENTIALS_DIRECTORY"}
        environment.update(self.environment, NOTIFY_SOCKET=path)
        if self.uid is not None:
            more.update(user=self.uid, group=self.uid, extra_groups=[])
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=environment, **more)
        self.notes = []
        self.code = None

    def wait_note(self, want, limit=START_LIMIT):
        """Wait until sd_notify says so; False when the process ended."""
        end = time.monotonic() + limit
        ended = os.pidfd_open(self.process.pid)
        try:
            while want not in self.notes:
                left = end - time.monotonic()
                check(left > 0, "no %s in %d s:\n%s" %
                      (want, limit, self.stderr()))
                ready = select.select([self.notify, ended], [], [], left)[0]
                if self.notify in ready:
                    self.notes.append(self.notify.recv(4096).decode())
                elif ended in ready:
                    return False
            return True
        finally:
            os.close(ended)

    def start(self, **more):
        self.spawn(**more)
        if not self.wait_note("READY=1"):
            self.wait()
            raise Failure("cofred ended with %s at start:\n%s" %
                          (self.code, self.stderr()))
        return self

    def refused(self, words, **more):
        """It must not start, and its last line must have these words."""
        before = len(self.stderr())
        self.spawn(**more)
        if self.wait_note("READY=1"):
            raise Failure("cofred started, and should say: %s" % words)
        self.wait()
        text = self.stderr()[before:]
        check(self.code is not None and self.code > 0,
              "cofred was ended by signal %s: %s" % (self.code, text))
        check(words in text, "cofred says %r, not %r" % (text, words))
        return text

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, limit=START_LIMIT):
        self.code = self.process.wait(limit)
        self.process = None
        return self.code

    def stop(self):
        """End it in good order."""
        self.signal(signal.SIGTERM)
        same(self.wait(), 0, "exit code of cofred after SIGTERM\n" +
             self.stderr())
        self.no_complaint()

    def kill(self):
        """It, and what it has made, which ends with it."""
        left = self.followers()
        self.signal(signal.SIGKILL)
        self.wait()
        for pidfd in left:
            wait_end(pidfd)

    def followers(self):
        """Its sentry, as a pidfd: it has the same descriptors, and so for
        a moment the same files and sockets."""
        try:
            return [os.pidfd_open(pid) for pid in children_of(self.pid)[1:]]
        except OSError:     # it has ended
            return []

    def end(self):
        """Whatever it does: at the end of the test."""
        if self.process is not None and self.process.poll() is None:
            left = self.followers()
            self.process.kill()
            self.process.wait()
            for pidfd in left:
                wait_end(pidfd)
        if self.notify is not None:
            self.notify.close()

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stderr(self):
        try:
            return read_file(self.log).decode(errors="replace")
        except FileNotFoundError:
            return ""

    def no_complaint(self):
        """No sanitizer has found anything."""
        for word in ("AddressSanitizer", "runtime error:", "LeakSanitizer"):
            check(word not in self.stderr(), self.stderr())

    def connect(self, **more):
        return wire.Connection(self.socket, **more)

    def init(self, key=KEY):
        """Make the vault; the connection of an operator."""
        c = self.connect()
        status(c.call("vault.init", type=wire.KEYFILE, key=key), "OK",
               "vault.init")
        return c

    # What /proc says.

    def proc(self, name):
        with open("/proc/%d/%s" % (self.pid, name)) as f:
            return f.read()

    def proc_status(self):
        return dict(line.split(":\t", 1) for line in
                    self.proc("status").splitlines() if ":\t" in line)

    def rss(self):
        """KiB of resident memory."""
        return int(self.proc_status()["VmRSS"].split()[0])

    def cpu(self):
        """Seconds of processor time so far."""
        stat = self.proc("stat").rsplit(")", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def settled(self, c):
        """How many descriptors it has when it has forgotten processes whose
        last connection is gone: that takes a second."""
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            time.sleep(0.1)
            c.barrier()
        return len(self.fds())

    def has_fds(self, count, c):
        """So many are left, once it has forgotten such processes."""
        end = time.monotonic() + 5
        while len(self.fds()) != count and time.monotonic() < end:
            c.barrier()
        same(len(self.fds()), count, "descriptors of the daemon")

    def fds(self):
        """{fd: what it is}."""
        base = "/proc/%d/fd" % self.pid
        found = {}
        for fd in os.listdir(base):
            try:
                found[int(fd)] = os.readlink(os.path.join(base, fd))
            except FileNotFoundError:
                pass
        return found


class Test:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="cofre-system.",
                                    dir=os.environ.get("COFRE_TEST_DIR",
                                                       "/tmp"))
        os.chmod(self.dir, 0o755)
        self.daemons, self.agents = [], []
        self.copies = {}
        self.undo = []

    def copy(self, variable, default):
        """A program at a place that every uid can reach."""
        if variable not in self.copies:
            to = os.path.join(self.dir, os.path.basename(default))
            shutil.copyfile(program(variable, default), to)
            os.chmod(to, 0o755)
            self.copies[variable] = to
        return self.copies[variable]

    def cofred(self):
        return self.copy("COFRED", "./cofred")

    def cofre(self):
        return self.copy("COFRE", "./cofre")

    def daemon(self, config=None, **more):
        return Daemon(self, config, **more).start()

    def agent(self, uid, gid=None, groups=()):
        need_root()
        a = Agent(uid, gid, groups)
        self.agents.append(a)
        return a

    def keyfile(self, content=None, name="key", uid=None):
        path = write_file(os.path.join(self.dir, name),
                          content or os.urandom(32))
        if uid is not None:
            os.chown(path, uid, uid)
        return path

    def has_sanitizer(self):
        return b"__asan_init" in read_file(program("COFRED", "./cofred"))

    def counts(self):
        """Is it a build of make coverage?"""
        return b"__llvm_profile_" in read_file(program("COFRED",
                                                        "./cofred"))

    def is_slow(self):
        """Is it another build than what is shipped?"""
        return self.has_sanitizer() or self.counts()

    def part(self, attempts):
        """How many of them: all in the build that is shipped, else a
        quarter."""
        return attempts // 4 if self.is_slow() else attempts

    def run_cofre(self, daemon, *arguments, uid=None, stdin=b"", code=0,
                  **more):
        """Run the command; its standard output.  code is the exit code
        that it must have."""
        if uid is not None:
            need_root()
            more.update(user=uid, group=uid, extra_groups=[])
        done = subprocess.run(
            [self.cofre(), "--socket", daemon.socket, *arguments],
            input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=60, **more)
        check(done.returncode == code, "cofre %s: exit code %d, not %d: %s" %
              (" ".join(arguments), done.returncode, code,
               (done.stderr + done.stdout).decode(errors="replace")))
        return done.stdout

    def close(self):
        for thing in self.agents + self.daemons:
            try:
                thing.end()
            except Exception:
                traceback.print_exc()
        for call in reversed(self.undo):
            try:
                call()
            except Exception:
                traceback.print_exc()
        shutil.rmtree(self.dir, ignore_errors=True)


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(n) for n in f.read().split()]


def wait_end(pidfd, limit=10):
    """Wait for the end of the process."""
    check(select.select([pidfd], [], [], limit)[0], "a process does not end")
    os.close(pidfd)


def witness_of(d):
    """The keeper of its witness, and the workers."""
    keeper, _ = children_of(d.pid)
    return keeper, children_of(keeper)


def sentry_of(d):
    """Its sentry, which is made after the witness's keeper."""
    return children_of(d.pid)[1]


def stop_witness(d):
    """Its workers stand still, until look_timeout, or the call's result is
    called."""
    workers = witness_of(d)[1]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)

    def go_on():
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    return go_on


def traced(d, *more):
    """strace on the daemon, once it is attached; or it has ended, because it
    has killed the daemon by then."""
    p = subprocess.Popen(["strace", "-qq", "-p", str(d.pid), *more],
                         stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        ended = p.poll() is not None
        with open("/proc/%d/status" % d.pid) as f:
            if "TracerPid:\t0\n" not in f.read():
                return p
        if ended and not d.alive():
            return p
    check(False, "strace does not attach")


def need_root(why="only root can be other users"):
    if not IS_ROOT:
        raise Skip(why)


def own_mounts():
    """A mount namespace for this process; what is mounted goes with it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x00020000) != 0:
        raise Skip("no mount namespace (unshare: %s): what needs a disk of "
                   "its own did not run" % os.strerror(ctypes.get_errno()))
    if subprocess.run(["mount", "--make-rprivate", "/"]).returncode != 0:
        raise Skip("mount does not work here: what needs a disk of its own "
                   "did not run")


def slot_key(content):
    """The key of a keyfile's content (src/common/keyfile.h)."""
    return hashlib.blake2b(content, digest_size=32,
                           person=b"cofre.keyfile.v1").digest()


def on_alarm(number, _):
    raise Failure("it took too long" if number == signal.SIGALRM else
                  "ended by signal %d" % number)


def die_with_parent():
    """A test whose make is gone goes too."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def tell_secrets():
    """`make canary` looks for all secrets of a test while it runs."""
    sys.path.append(os.path.join(HERE, "..", "canary"))
    import observer
    observer.attach(sys.modules[__name__])


def main(function, limit=120):
    test = None
    code = 1
    if "COFRE_TEST_CANARY" in os.environ:
        tell_secrets()
        limit *= 10
    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGTERM, on_alarm)
    signal.signal(signal.SIGINT, on_alarm)
    # A shell has what it starts in the background ignore some of them.
    for number in (signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    die_with_parent()
    signal.alarm(limit)
    begin = time.monotonic()
    try:
        test = Test()
        atexit.register(test.close)
        if test.is_slow():
            signal.alarm(3 * limit)
        function(test)
        for d in test.daemons:
            d.no_complaint()
        show("passed in %.1f s" % (time.monotonic() - begin))
        code = 0
    except Skip as e:
        show("skipped: %s" % e)
        code = 77
    except Exception as e:
        # What failed comes last: a report shows the end of the log.
        for d in test.daemons if test else []:
            show("-- standard error of %s:\n%s" % (d.dir, d.stderr()[-2000:]))
        traceback.print_exc(limit=-4 if isinstance(e, Failure) else None)
        sys.stderr.flush()
        show("FAILED: %s" % e)
    finally:
        signal.alarm(0)
        if test is not None:
            atexit.unregister(test.close)
            test.close()
    sys.stdout.flush()
    sys.exit(code)
