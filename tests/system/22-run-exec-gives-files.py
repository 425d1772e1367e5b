#!/usr/bin/env python3
"""'cofre run exec' executes a command that has its secrets as files: of mode
0600, that nobody can change, and with nothing else open.  The command has
the process, so its exit code, its signals and its output are its own.  It is
not started when its environment or an argument holds a secret, and its run
is over when it ends.  'run start' writes a token where nobody else reads it.

COFRE_TEST_SEED makes the same secrets again."""
import base64
import ctypes
import json
import os
import pty
import resource
import signal
import struct
import subprocess
import sys
import time
import urllib.parse
sys.dont_write_bytecode = True

import harness
from expect import check, same, show
from search import Needles, canary, search_processes

OWNER, OTHER = 46001, 46002
WS = "ml-prod"
PATH = "/usr/bin:/bin"  # directories that everybody can look into
RT_SIGACTION = {"x86_64": 13, "aarch64": 134}[os.uname().machine]
OVER_LIMIT = 5.0        # seconds until a run is over, on a busy machine


class Vault:
    """A workspace with secrets, and the command as its contributor."""

    def __init__(self, t, r):
        self.t, self.d = t, t.daemon()
        self.d.init().close()
        self.store, self.images = canary(r), canary(r) + "+/=%& x"
        self.password = canary(r)
        self.needles = Needles({"store": self.store, "images": self.images,
                                "password": self.password})
        t.run_cofre(self.d, "workspace", "create", WS)
        t.run_cofre(self.d, "grant", WS, "user:%d" % OWNER, "contributor")
        self.put("store", self.store)
        self.put("images", self.images)
        t.run_cofre(self.d, "put", WS + "/sql", "--kind", "datastore",
                    "--type", "azure-postgres", uid=OWNER, stdin=(
                        "postgresql://app:%s@db.example:5432/sales" %
                        self.password).encode())

    def put(self, name, value):
        self.t.run_cofre(self.d, "put", WS + "/" + name, "--kind", "generic",
                         uid=OWNER, stdin=value.encode())

    def line(self, *arguments):
        return [self.t.cofre(), "--socket", self.d.socket, "run", *arguments]

    def exec_line(self, secrets, command):
        options = [x for s in secrets for x in ("--secret", s)]
        return self.line("exec", "-w", WS, *options, "--", *command)

    def run(self, line, uid=OWNER, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(line, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, user=uid,
                              group=uid, extra_groups=[], **more)

    def exec(self, secrets, *command, code=0, says=None, **more):
        """Standard output of a command; code is the exit code that it must
        have, and says what must stand on standard error."""
        done = self.run(self.exec_line(secrets, command), **more)
        error = done.stderr.decode(errors="replace")
        same(done.returncode, code, "exit code of %s\n%s" %
             (" ".join(command), error))
        same(self.needles.find(done.stderr), [], "on standard error")
        if says is not None:
            check(says in error, "it says %r, not %r" % (error, says))
        return done.stdout.decode()

    def runs(self):
        return json.loads(self.t.run_cofre(self.d, "run", "list", WS,
                                           "--json", uid=OWNER))

    def active(self):
        return [r for r in self.runs() if r["state"] == "active"]

    def wait_over(self):
        """All runs are over, soon; how long it took."""
        begin = time.monotonic()
        while self.active():
            check(time.monotonic() - begin < OVER_LIMIT,
                  "a run goes on: %r" % self.active())
        return time.monotonic() - begin


# --- what the command gets ----------------------------------------------------

def files(v):
    same(v.exec(["store"], "cat", "{store}"), v.store, "the file")
    same(v.exec(["store"], "stat", "-L", "-c", "%a %s %F %u", "{store}"),
         "600 %d regular file %d\n" % (len(v.store), OWNER), "its status")
    same(v.exec(["store"], "sh", "-c",
                "for i in 1 2; do cat \"$0\"; done", "{store}"),
         2 * v.store, "the file, opened twice")
    # Its own user can't change it, nor make another file of it.
    for how in (": >", "echo x >>", "exec 9<>"):
        out = v.exec(["store"], "sh", "-c",
                     "(%s \"$0\"; echo x >&9) 2>/dev/null; cat \"$0\"" % how,
                     "{store}")
        same(out, v.store, "the file after %r" % how)
    out = v.exec(["store"], "sh", "-c", "readlink \"$0\"", "{store}")
    same(out, "/memfd:cofre (deleted)\n", "the file's name")
    # Several, in several forms, and what is no label stays.
    same(v.exec(["store=a", "images", "sql:pgpass", "sql:user=u"], "sh", "-c",
                "cat \"$0\" \"$1\" \"$2\" \"$3\"; echo \"|$4\"", "{a}",
                "{images}", "{sql}", "{u}", "{{a} ${a} {x} {\"y\": {}}"),
         v.store + v.images + "db.example:5432:sales:app:%s\napp" %
         v.password + "|{a} ${a} {x} {\"y\": {}}\n", "four files")
    fields = json.loads(v.exec(["sql:json"], "cat", "{sql}"))["fields"]
    same(fields["password"]["value"], v.password, "a field of the JSON")


def ignore_libcs_own():
    """As whoever was spawned by make does; libc sets them for nobody."""
    libc = ctypes.CDLL(None, use_errno=True)
    action = struct.pack("4Q", signal.SIG_IGN, 0, 0, 0)
    for number in (32, 33):
        if libc.syscall(RT_SIGACTION, number, action, None, 8) != 0:
            raise OSError(ctypes.get_errno(), "rt_sigaction")


def process(v):
    """Nothing of cofre is left in the process."""
    fd, inherited = os.pipe()
    out = v.exec(["store", "images"], "sh", "-c",
                 "ls /proc/$$/fd; exit 0", "{store} {images}",
                 pass_fds=[fd, inherited])
    os.close(fd)
    os.close(inherited)
    numbers = sorted(int(n) for n in out.split())
    same(len(numbers), 5, "descriptors: %r" % numbers)
    same(numbers[:3], [0, 1, 2], "the first descriptors")

    def before():
        os.umask(0o026)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        ignore_libcs_own()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        soft = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    # A sanitizer would lower the core limit itself.
    out = v.exec(["store"], "cat", "/proc/self/status", "/proc/self/limits",
                 "{store}", preexec_fn=before,
                 env=dict(os.environ, ASAN_OPTIONS=":".join(filter(None, (
                     os.environ.get("ASAN_OPTIONS"), "disable_coredump=0")))))
    status = dict(line.split(":", 1) for line in out.splitlines()
                  if ":" in line)
    for name in ("SigBlk", "SigIgn", "SigCgt"):
        same(int(status[name], 16), 0, name)
    same(int(status["Umask"], 8), 0o026, "the umask")
    core = [line.split()[4] for line in out.splitlines()
            if line.startswith("Max core file size")]
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    same(core, [str(4096 if hard == resource.RLIM_INFINITY else
                    min(4096, hard))], "the core limit")
    environment = {"PATH": PATH, "A": "1", "B": "a=b c"}
    out = v.exec(["store"], "sh", "-c", "cat /proc/$$/environ", "{store}",
                 env=environment)
    got = dict(x.split("=", 1) for x in out.split("\0") if x)
    if v.t.counts():
        del got["__LLVM_PROFILE_RT_INIT_ONCE"]
    same(got, environment, "the environment")


def endings(v):
    v.exec(["store"], "sh", "-c", "exit 7", "{store}", code=7)
    v.exec(["store"], "sh", "-c", "kill -TERM $$", "{store}",
           code=-signal.SIGTERM)
    v.exec(["store"], "sh", "-c", "kill -KILL $$", "{store}",
           code=-signal.SIGKILL)
    same(v.exec(["store"], "sh", "-c", "cat; cat \"$0\"", "{store}",
                stdin=None, input=b"in "), "in " + v.store, "its input")
    v.exec(["store"], "/no/such/program", "{store}", code=127,
           says="can't execute /no/such/program")
    v.exec(["store"], "no-such-program", "{store}", code=127,
           env={"PATH": PATH})
    # What can't be looked into is passed over.
    shut = os.path.join(v.t.dir, "shut")
    os.mkdir(shut, 0o700)
    v.exec(["store"], "no-such-program", "{store}", code=127,
           env={"PATH": shut + ":" + PATH}, says="No such file")
    v.exec(["store"], "true", "{store}", env={"PATH": shut + ":" + PATH})
    closed = os.path.join(v.t.dir, "open")
    os.mkdir(closed, 0o755)
    harness.write_file(os.path.join(closed, "closed"), "", 0o644)
    v.exec(["store"], "closed", "{store}", code=126,
           env={"PATH": closed + ":" + PATH}, says="Permission denied")
    v.exec(["store"], "/etc", "{store}", code=126, says="can't execute /etc")
    v.wait_over()


# --- the run -------------------------------------------------------------------

def run_of_a_command(v):
    """While it runs it is a run, and nothing shows its secrets; then not."""
    line = v.exec_line(["store", "images"], [
        "sh", "-c", "echo ready; read x; exec \"$@\"", "{store} {images}",
        v.t.cofre(), "--socket", v.d.socket, "get", WS + "/store"])
    p = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, user=OWNER, group=OWNER,
                         extra_groups=[])
    same(p.stdout.readline(), b"ready\n", "what it says first")
    same(search_processes(v.needles), [], "in environ or cmdline")
    runs = v.active()
    same([(r["pid"], r["uid"], r["target"]) for r in runs],
         [(p.pid, OWNER, "process")], "the active runs")
    shown = json.loads(v.t.run_cofre(v.d, "run", "show", WS,
                                     runs[0]["run"][:8], "--json",
                                     uid=OWNER))
    same([(s["name"], s["reads"]) for s in
          sorted(shown["secrets"], key=lambda s: s["name"])],
         [("images", 1), ("store", 1)], "what it has read")
    # It still is the run when it executes another program.
    out, _ = p.communicate(b"\n")
    same(out.decode(), v.store, "what the run gets")
    same(p.returncode, 0, "its exit code")
    return v.wait_over()


def run_may_do_nothing_else(v):
    """A run reads its secrets, whatever else its user may."""
    for verb in (("get", WS + "/images"), ("delete", WS + "/store"),
                 ("run", "list", WS)):
        v.exec(["store"], "sh", "-c", "exec \"$@\"", "{store}", v.t.cofre(),
               "--socket", v.d.socket, *verb, code=5)
    # Its children are not the run; they have the file, and their user's
    # rights.
    same(v.exec(["store"], "sh", "-c", "(cat \"$0\"; \"$@\"); exit 0",
                "{store}", v.t.cofre(), "--socket", v.d.socket, "get",
                WS + "/images"), v.store + v.images, "what a child gets")


def run_that_is_ended(v):
    """Its access is gone, and its user's is not its own again."""
    line = v.exec_line(["store"], [
        "sh", "-c", "echo ready; read x; exec \"$@\"", "{store}",
        v.t.cofre(), "--socket", v.d.socket, "get", WS + "/store"])
    p = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, user=OWNER, group=OWNER,
                         extra_groups=[])
    same(p.stdout.readline(), b"ready\n", "what it says first")
    run = v.active()[0]["run"]
    v.t.run_cofre(v.d, "run", "renew", WS, run, "--lifetime", "24h",
                  uid=OWNER)
    v.t.run_cofre(v.d, "run", "end", WS, run[:12], uid=OWNER)
    done = v.run(v.line("renew", WS, run))
    same(done.returncode, 5, "exit code of renew")
    check(b"the run is over" in done.stderr, done.stderr)
    same(v.active(), [], "active runs")
    out, error = p.communicate(b"\n")
    same((p.returncode, out), (5, b""), "get in a run that is over: %r" %
         error)
    check(b"the run of this process has ended" in error, error)
    same(v.run([v.t.cofre(), "--socket", v.d.socket, "get",
                WS + "/store"]).stdout.decode(), v.store,
         "what its user gets")


# --- what is refused -------------------------------------------------------------

def spellings(value):
    """{how: text} of the forms in which a value leaks."""
    raw = value.encode()
    found = {"raw": value, "within": "x" + value + "y",
             "percent": urllib.parse.quote(value, safe=""),
             "percent all": "".join("%%%02x" % b for b in raw)}
    for i in range(3):
        text = bytes(i) + raw + b"end"
        found["base64 at %d" % i] = base64.b64encode(text).decode()
        found["base64url at %d" % i] = base64.urlsafe_b64encode(text).decode()
    found["base64 unpadded"] = base64.b64encode(raw).decode().rstrip("=")
    return found


def leaks(v):
    count = 0
    place = os.path.join(v.t.dir, "place")
    os.mkdir(place)
    os.chown(place, OWNER, OWNER)
    marker = os.path.join(place, "started")
    command = ("sh", "-c", "touch %s" % marker, "{store}")
    clean = {"PATH": PATH}
    for value, name in ((v.store, "store"), (v.images, "images"),
                        (v.password, "sql")):
        for how, text in spellings(value).items():
            v.exec(["store"], *command, code=9, env={**clean, "LEAK": text},
                   says="variable LEAK holds the secret '%s'" % name)
            v.exec(["store"], *command, "--key=" + text, code=9, env=clean,
                   says="argument 4 of the command (0 is its name) holds the "
                   "secret '%s'" % name)
            count += 2
    # A text of any length, wherever in it the secret stands.
    for at in (0, 40000, 65500, 65536, 100000):
        text = "." * at + v.store + "." * 20000
        v.exec(["store"], *command, code=9, env={**clean, "LONG": text},
               says="variable LONG")
        count += 1
    # What is in the name of a variable can't be shown.
    v.exec(["store"], *command, code=9, env={**clean, v.store: "1"},
           says="of the environment holds the secret 'store'")
    check(not os.path.exists(marker), "the command was started")
    same(v.active(), [], "active runs")
    v.exec(["store"], *command, env=dict(clean, FINE="f" * 100000))
    check(os.path.exists(marker), "the command would not have been seen")
    v.wait_over()
    return count + 1


def mistakes(v):
    """Each is told before anything is started."""
    before = len(v.runs())
    for secrets, command, code, says in (
            (["store"], ["cat"], 2, "no argument of the command has {store}"),
            (["store", "images"], ["cat", "{store}"], 2, "{images}"),
            (["store", "store"], ["cat", "{store}"], 2, "two secrets have"),
            (["store="], ["cat", "{store}"], 2, "a label is written as"),
            ([], ["cat"], 2, "--secret NAME"),
            (["store"], [], 2, "say the command")):
        v.exec(secrets, *command, code=code, says=says)
    same(v.run(v.line("exec", "-w", WS, "--secret", "store", "cat",
                      "{store}")).returncode, 2, "without --")
    same(v.run(v.exec_line(["store"], ["cat", "{store}"]),
               uid=OTHER).returncode, 5, "a stranger's exit code")
    # The error names what was typed.
    for line, says in (
            (v.exec_line(["nothing"], ["cat", "{nothing}"]),
             "cofre: run exec %s: " % WS),
            (v.line("start", "-w", WS, "--secret", "nothing", "--token-fd",
                    "9"), "cofre: run start")):
        done = v.run(line)
        check(done.stderr.decode().startswith(says), done.stderr)
    same(len(v.runs()), before, "runs")
    # These end the run that was started for them.
    v.exec(["sql:nothing"], "cat", "{sql}", code=6, says="no field 'nothing'")
    v.exec(["store:pgpass"], "cat", "{store}", code=9, says="azure-postgres")
    v.exec(["store:libpq"], "cat", "{store}", code=2, says="libpq")
    v.wait_over()


# --- tokens ------------------------------------------------------------------------

def tokens(v):
    options = ["start", "-w", WS, "--secret", "store"]
    reader, writer = os.pipe()
    done = v.run(v.line(*options, "--token-fd", str(writer)),
                 pass_fds=[writer])
    os.close(writer)
    token = os.read(reader, 4096)
    os.close(reader)
    same(done.returncode, 0, done.stderr)
    check(token.startswith(b"cofre_r_") and token.endswith(b"\n"),
          "a token of %d bytes" % len(token))
    check(token.strip() not in done.stdout + done.stderr, "it is printed")
    run = done.stdout.decode().strip()
    same([r["target"] for r in v.active() if r["run"] == run], ["token"],
         "the run")
    v.t.run_cofre(v.d, "run", "end", WS, run, uid=OWNER)

    main, terminal = pty.openpty()
    public = os.open(os.path.join(v.t.dir, "public"),
                     os.O_WRONLY | os.O_CREAT, 0o644)
    path = os.open(v.t.dir, os.O_PATH)
    reader, writer = os.pipe()
    for fd, says in ((terminal, b"is a terminal"),
                     (public, b"others can read"),
                     (path, b"can't be written to"),
                     (reader, b"can't be written to")):
        done = v.run(v.line(*options, "--token-fd", str(fd)), pass_fds=[fd])
        same(done.returncode, 2, done.stderr)
        check(says in done.stderr, done.stderr)
    for number, says in (("1", b"of its own"), ("99", b"no such")):
        done = v.run(v.line(*options, "--token-fd", number))
        same(done.returncode, 2, done.stderr)
        check(says in done.stderr, done.stderr)
    # A reader that is gone: the run that nobody can join is ended.
    os.close(reader)
    done = v.run(v.line(*options, "--token-fd", str(writer)),
                 pass_fds=[writer])
    same((done.returncode, done.stdout), (1, b""), done.stderr)
    check(b"was ended" in done.stderr, done.stderr)
    same(v.active(), [], "active runs")
    # A file that others can't read may have it, and has to have all of it.
    private = os.open(os.path.join(v.t.dir, "private"),
                      os.O_WRONLY | os.O_CREAT, 0o600)

    def short():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(token) - 1,) * 2)

    for limit, code in ((None, 0), (short, 1)):
        os.ftruncate(private, 0)
        os.lseek(private, 0, os.SEEK_SET)
        done = v.run(v.line(*options, "--token-fd", str(private)),
                     pass_fds=[private], preexec_fn=limit)
        same(done.returncode, code, done.stderr)
        same(os.fstat(private).st_size, len(token) - code, "what it has")
        if code == 0:
            v.t.run_cofre(v.d, "run", "end", WS, done.stdout.decode().strip(),
                          uid=OWNER)
    check(b"File too large" in done.stderr and b"was ended" in done.stderr,
          done.stderr)
    same(v.active(), [], "active runs")
    for fd in (main, terminal, public, writer, path, private):
        os.close(fd)


def for_a_process(v):
    """A run for a process of one's own, that ends with it."""
    p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=OWNER,
                         group=OWNER, extra_groups=[])
    out = v.t.run_cofre(v.d, "run", "start", "-w", WS, "--secret", "store",
                        "--pid", str(p.pid), "--lifetime", "90s", "--label",
                        "nightly", "--snapshot", "sha256:" + "ab" * 32,
                        "--json", uid=OWNER)
    run = json.loads(out)["run"]
    shown = json.loads(v.t.run_cofre(v.d, "run", "show", WS, run, "--json",
                                     uid=OWNER))
    same((shown["pid"], shown["label"], shown["snapshot"], shown["token"]),
         (p.pid, "nightly", "ab" * 32, False), "the run")
    text = v.t.run_cofre(v.d, "run", "show", WS, run, uid=OWNER).decode()
    check("label     nightly\n" in text and "store, not read" in text, text)
    check("ended" not in text and shown["ended"] is shown["why"] is None,
          text)
    done = v.run(v.line("start", "-w", WS, "--secret", "store", "--pid",
                        str(p.pid)))
    same(done.returncode, 8, "exit code of a second run of it")
    check(b"process %d is a run already" % p.pid in done.stderr, done.stderr)
    lists(v, run)
    p.kill()
    p.wait()
    v.wait_over()
    text = v.t.run_cofre(v.d, "run", "show", WS, run, uid=OWNER).decode()
    check(", with its process\n" in text, text)
    listed = {r["run"]: r for r in v.runs()}[run]
    check(listed["why"] == "process" and
          shown["created"] <= listed["ended"] < shown["expires"],
          "its end: %r" % listed)


def lists(v, run):
    """Which runs a list has, and what it says of those without a pid."""
    def listed(*options, uid=OWNER):
        out = v.t.run_cofre(v.d, "run", "list", WS, "--json", *options,
                            uid=uid)
        return json.loads(out)
    every = [r["run"] for r in v.runs()]
    same([r["run"] for r in listed("--state", "active")], [run], "active")
    same([r["run"] for r in listed("--state", "over")],
         [r for r in every if r != run], "over")
    same([r["run"] for r in listed("--label", "nightly")], [run], "label")
    same(listed("--label", "night"), [], "another label")
    same([r["run"] for r in listed("--mine")], every, "mine")
    same(listed("--mine", uid=0), [], "root's own")
    same(v.run(v.line("list", WS, "--state", "x")).returncode, 2, "no state")
    tokens = [r for r in listed() if r["target"] == "token"]
    check(tokens and all(r["pid"] is None for r in tokens),
          "runs of a token: %r" % tokens)
    check({r["why"] for r in tokens} == {"asked"} and
          all(r["ended"] for r in tokens), "their ends: %r" % tokens)
    text = v.t.run_cofre(v.d, "run", "list", WS, uid=OWNER).decode()
    same([line.split()[3] for line in text.splitlines() if "token" in line],
         ["-"] * len(tokens), "their pids")


def test(t):
    harness.need_root()
    r = harness.seed()
    v = Vault(t, r)
    files(v)
    process(v)
    endings(v)
    took = run_of_a_command(v)
    run_may_do_nothing_else(v)
    run_that_is_ended(v)
    count = leaks(v)
    mistakes(v)
    tokens(v)
    for_a_process(v)
    show("%d leaks refused; a run was over %.0f ms after its command" %
         (count, took * 1000))
    v.d.stop()


harness.main(test, limit=240)
