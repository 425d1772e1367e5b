#!/usr/bin/env python3
"""'cofre ssh-agent' runs a command with an ssh agent that serves the command
and what it has started, and no other process, whoever its user is.  The
command's exit code, signals and environment are its own.  The agent here is
OpenSSH's behind a stand-in for the daemon's."""
import os
import resource
import signal
import socket
import subprocess
import sys
import time
sys.dont_write_bytecode = True

import harness
from expect import check, same, show
from sshplace import Front, Place, left_in_tmp, own_uids, read_message

JOB, ALICE = own_uids(2)
WS = "ml-prod"
PYTHON = "/usr/bin/python3"   # that others may execute
# What a process does with the agent: it sends a request of one byte, and
# prints how long the answer is; "-" when there is none.
ASK = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1] if len(sys.argv) > 1 else os.environ["SSH_AUTH_SOCK"])
    if FORK and os.fork() == 0:
        # A child has the descriptor, and is not who has connected.
        s.sendall(b"\\0\\0\\0\\1\\x0b")
        print(len(s.recv(4096)) or "-")
        sys.stdout.flush()
        os._exit(0)
    if FORK:
        os.wait()
        raise SystemExit
    s.sendall(b"\\0\\0\\0\\1\\x0b")
    print(len(s.recv(4096)) or "-")
except OSError as e:
    print("-")
"""


def ask(fork=False):
    return "FORK = %r\n%s" % (fork, ASK)


class Agents:
    def __init__(self, t):
        self.t = t
        self.place = Place(t, {"job": JOB, "alice": ALICE})
        self.key = self.place.make_key("key", comment="cofre:ml-prod/a#1")
        self.front = Front(self.place, [self.key], [WS])
        # Asked when the agent has nothing.
        self.d = t.daemon()
        self.d.init().close()

    def line(self, *command, workspace=WS, agent=None):
        return [self.t.cofre(), "--socket", self.d.socket, "ssh-agent", "-w",
                workspace, "--agent", agent or self.front.path, "--",
                *command]

    def start(self, *command, uid=JOB, **more):
        more.setdefault("stdin", subprocess.PIPE)
        return subprocess.Popen(self.line(*command), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, user=uid, group=uid,
                                extra_groups=[], **more)

    def run(self, *command, code=0, says="", uid=JOB, **options):
        done = subprocess.run(self.line(*command, **options),
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              user=uid, group=uid, extra_groups=[],
                              timeout=60)
        error = done.stderr.decode()
        same(done.returncode, code, "exit code of %r\n%s" % (command, error))
        check(says in error, "it says %r, not %r" % (error, says))
        return done.stdout.decode()


# --- what it serves ---------------------------------------------------------------

def command(a):
    public = harness.read_file(a.key + ".pub").decode()
    same(a.run("ssh-add", "-L"), public, "ssh-add -L")
    a.run("ssh-add", "-T", a.key + ".pub")
    # As the daemon sees it: the process that was started, not a child.
    pid = int(a.run("sh", "-c", "ssh-add -L >&2; echo $PPID"))
    same(a.front.peers[-1], (pid, JOB), "who has connected to the daemon")
    same(a.run("sh", "-c", "sh -c '(sh -c \"ssh-add -L; true\"; true)'; true"),
         public, "in a child of a child")
    # What has lost its parent, and has a session of its own.
    same(a.run("sh", "-c", "mkfifo %s/f; (setsid sh -c 'ssh-add -L >%s/f' &); "
               "cat %s/f" % ((a.place.homes["job"],) * 3)), public,
         "what runs in the background")


def socket_of_it(a):
    out = a.run("sh", "-c", "echo $SSH_AUTH_SOCK; stat -c '%a %u %F' "
                "$(dirname $SSH_AUTH_SOCK); echo ${SSH_AGENT_PID-none}")
    path, mode, pid = out.splitlines()
    check(path.startswith("/tmp/cofre-"), path)
    same((mode, pid), ("700 %d directory" % JOB, "none"), "where it is")
    check(not os.path.exists(os.path.dirname(path)), path + " is left")


def bytes_of_any_number(a):
    """As they are, both ways, over many connections at once."""
    p = a.start("sh", "-c", "echo $SSH_AUTH_SOCK; exec /usr/bin/python3 -c '%s'" % """
import os, socket, struct
def whole(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        assert part
        data += part
    return data
many = []
for i in range(32):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ["SSH_AUTH_SOCK"])
    many.append(s)
for i, s in enumerate(many):
    body = struct.pack(">BI", 27, 9) + b"echo@test" + os.urandom(i * 8000)
    s.sendall(struct.pack(">I", len(body)) + body)
    assert whole(s, 4 + len(body))[4:] == body
    # Half of the way is closed: the answer comes all the same.
    s.sendall(struct.pack(">I", len(body)) + body)
    s.shutdown(socket.SHUT_WR)
    assert whole(s, 4 + len(body))[4:] == body
    assert s.recv(1) == b""
print("good")
""")
    out, error = p.communicate()
    same((p.returncode, out.decode().splitlines()[1:]), (0, ["good"]), error)


# --- whom it refuses -----------------------------------------------------------------

def strangers(a):
    p = a.start("sh", "-c", "echo $SSH_AUTH_SOCK; read x; ssh-add -L; read x")
    path = p.stdout.readline().decode().strip()
    before = len(a.front.peers)
    for uid in (JOB, 0, ALICE):
        done = subprocess.run([PYTHON, "-c", ask(), path],
                              stdout=subprocess.PIPE, user=uid, group=uid,
                              extra_groups=[])
        same(done.stdout, b"-\n", "what uid %d gets" % uid)
    same(len(a.front.peers), before, "connections to the daemon")
    p.stdin.write(b"\n")
    p.stdin.flush()
    same(p.stdout.readline(), harness.read_file(a.key + ".pub"),
         "what the command gets")
    p.stdin.close()
    error = p.stderr.read().decode()
    p.wait()
    same(error.count("was refused the ssh agent"), 1, error)
    check("uid %d" % JOB in error, error)


def inherited(a):
    """As with the daemon: a connection is its maker's alone."""
    check(a.run(PYTHON, "-c", ask()) != "-\n", "the maker is refused")
    same(a.run(PYTHON, "-c", ask(fork=True)), "-\n",
         "what its child gets")


# --- how it ends -----------------------------------------------------------------------

def endings(a):
    a.run("sh", "-c", "exit 7", code=7)
    a.run("sh", "-c", "kill -TERM $$", code=128 + signal.SIGTERM)
    a.run("/no/such/program", code=127, says="can't execute")
    a.run("/etc", code=126, says="can't execute")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        p = a.start("sh", "-c", "echo $SSH_AUTH_SOCK; exec cat")
        path = p.stdout.readline().decode().strip()
        p.send_signal(number)
        same(p.wait(30), 128 + number, "its exit code")
        check(not os.path.exists(os.path.dirname(path)), path + " is left")
        p.stdin.close()
    # A trapped one: the command goes on.
    p = a.start("sh", "-c", "trap 'echo got' USR1; echo; read x; read x")
    p.stdout.readline()
    p.send_signal(signal.SIGUSR1)
    same(p.stdout.readline(), b"got\n", "what the command says")
    p.stdin.write(b"\n\n")
    p.stdin.close()
    p.wait(30)
    # Its umask is the caller's.
    same(a.run("sh", "-c", "umask"), "%04o\n" % os.umask(0o22), "its umask")
    os.umask(0o22)


def refusals(a):
    marker = os.path.join(a.place.homes["job"], "started")
    a.run("touch", marker, workspace="other", code=5,
          says="ssh-agent other: permission denied")
    a.run("touch", marker, agent="/no/such/socket", code=10,
          says="/no/such/socket")
    a.run("touch", marker, agent="/" + "x" * 200, code=2, says="--agent")
    a.run("touch", marker, workspace="NO", code=2, says="workspace")
    for line in ([], ["-w", WS], ["-w", WS, "--"], ["--", "true"]):
        done = subprocess.run([a.t.cofre(), "ssh-agent", *line],
                              stderr=subprocess.PIPE)
        same(done.returncode, 2, done.stderr)
    check(not os.path.exists(marker), "the command was started")
    # Beside the daemon's socket, when nothing is said.
    done = subprocess.run(
        [a.t.cofre(), "--socket", os.path.join(a.place.dir, "s"), "ssh-agent",
         "-w", WS, "--", "ssh-add", "-l"], stdout=subprocess.PIPE, user=JOB,
        group=JOB, extra_groups=[])
    check(b"ED25519" in done.stdout, done.stdout)


def daemon_goes(a):
    """Without the daemon there is nothing to be had, and nothing hangs."""
    p = a.start("sh", "-c", "echo; read x; ssh-add -l; echo $?")
    p.stdout.readline()
    os.rename(a.front.path, a.front.path + ".away")
    p.stdin.write(b"\n")
    p.stdin.close()
    # It may find its connection closed when it asks: that is a SIGPIPE.
    out = p.stdout.read()
    check(out in (b"1\n", b"2\n", b"141\n"), "ssh-add succeeds: %r" % out)
    error = p.stderr.read().decode()
    check("connect to the daemon's ssh agent" in error, error)
    p.wait(30)
    os.rename(a.front.path + ".away", a.front.path)


# Connects again and again, keeps what it gets, and says how often it has had
# an answer.
MANY = """
import os, resource, select, socket, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
held, answers = [], 0
end = time.monotonic() + 0.5
while len(held) < int(sys.argv[1]) and time.monotonic() < end:
    s = socket.socket(socket.AF_UNIX)
    s.setblocking(False)
    try:
        s.connect(os.environ["SSH_AUTH_SOCK"])
    except BlockingIOError:
        continue
    s.setblocking(True)
    s.sendall(b"\\0\\0\\0\\1\\x0b")
    held.append(s)
time.sleep(2)
ready = select.select(held, [], [], 0)[0]
for s in ready:
    try:
        answers += len(s.recv(9)) == 9
    except OSError:
        pass
    s.close()
# What had no place gets one when others have gone.
left = [s for s in held if s not in ready]
if left:
    print(len(left[0].recv(9)) == 9)
print(answers == len(ready), answers)
"""


def cpu(pid):
    fields = harness.read_file("/proc/%d/stat" % pid).decode().rsplit(")", 1)
    return sum(map(int, fields[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def few_descriptors(a):
    """With few of them it serves few at a time, and takes no processor."""
    for limit, many in ((70, 64), (71, 64), (72, 64), (40, 64),
                        (21, 8)):
        p = a.start(PYTHON, "-c", MANY, str(many), preexec_fn=lambda:
                    resource.setrlimit(resource.RLIMIT_NOFILE,
                                       (limit, 256)))
        time.sleep(2)
        took = cpu(p.pid)
        out, error = p.communicate(timeout=60)
        check(took < 0.5, "%.1f s of processor with %d files" % (took, limit))
        check(out.split() and b"False" not in out and
              int(out.split()[-1]) > 0,
              "answers with %d files: %r %r" % (limit, out, error))
    marker = os.path.join(a.place.homes["job"], "few")
    done = subprocess.run(
        a.line("touch", marker), stderr=subprocess.PIPE, user=JOB, group=JOB,
        extra_groups=[], preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (8, 8)))
    same(done.returncode, 1, done.stderr)
    check(b"open files" in done.stderr or b"files may be open" in done.stderr,
          done.stderr)
    check(not os.path.exists(marker), "the command was started")


def daemon_stands(a):
    """A signal does not wait for a daemon that has stopped."""
    path = os.path.join(a.place.dir, "stands")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(1)
    p = subprocess.Popen(
        a.line(PYTHON, "-c", """if True:
            import os, socket, time
            held = [socket.socket(socket.AF_UNIX) for i in range(8)]
            for s in held:
                s.connect(os.environ["SSH_AUTH_SOCK"])
            print(flush=True)
            time.sleep(60)""", agent=path),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, user=JOB, group=JOB, extra_groups=[])
    # The first one is what is asked before the command begins.
    c, _ = listener.accept()
    read_message(c)
    c.sendall(b"\0\0\0\1\6")
    if read_message(c) is not None:
        c.sendall(b"\0\0\0\5\x0c\0\0\0\1")
    p.stdout.readline()
    time.sleep(0.5)
    begin = time.monotonic()
    p.terminate()
    same(p.wait(60), 128 + signal.SIGTERM, p.stderr.read())
    took = time.monotonic() - begin
    check(took < 2.5, "a signal takes %.1f s" % took)
    listener.close()


# --- with the real thing -----------------------------------------------------------------

def login(a):
    hostkey = a.place.make_key("host")
    home = a.place.homes["alice"]
    os.mkdir(os.path.join(home, ".ssh"), 0o700)
    harness.write_file(os.path.join(home, ".ssh", "authorized_keys"),
                       harness.read_file(a.key + ".pub"))
    for name in (".ssh", ".ssh/authorized_keys"):
        os.chown(os.path.join(home, name), ALICE, ALICE)
    server = a.place.serve(hostkey)
    known = harness.write_file(
        os.path.join(a.place.homes["job"], "known"),
        "127.0.0.1 " + harness.read_file(hostkey + ".pub").decode(), 0o644)
    line = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o",
            "UserKnownHostsFile=" + known, "-o", "IdentityFile=none",
            "alice@127.0.0.1", "id -un"]
    begin = time.monotonic()
    same(a.run(*line), "alice\n", "who has logged in")
    took = time.monotonic() - begin
    check(a.front.peers[-1][1] == JOB, "as whom")
    done = subprocess.run(line, user=JOB, group=JOB, extra_groups=[],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    same(done.returncode, 255, "without the agent")
    check("Accepted publickey for alice" in server.said(), server.said())
    return took


def test(t):
    a = Agents(t)
    for part in (command, socket_of_it, bytes_of_any_number, strangers,
                 inherited, endings, refusals, daemon_goes,
                 few_descriptors, daemon_stands):
        part(a)
    show("a login took %.0f ms" % (login(a) * 1000))
    same(left_in_tmp(JOB), [], "what is left in /tmp")


harness.main(test, limit=120)
