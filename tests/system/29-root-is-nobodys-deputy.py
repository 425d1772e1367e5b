#!/usr/bin/env python3
"""What others choose - sockets, paths, variables, tokens - leads nobody on.

A forger who may send any process's number; squatters on the socket's name; a
hostile environment; symbolic links and FIFOs where root's command reads and
writes; tokens that are guessed, changed, dead or somebody else's.
"""
import ctypes
import os
import select
import signal
import socket
import struct
import subprocess
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status
from people import become

USER, OTHER = 48201, 48202
SECRET = b"canary-for-one-alone"
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_KEEPCAPS, CAP_SYS_ADMIN = 8, 21
CLONE_NEWNET = 0x40000000
SCM_CREDENTIALS = 2
FORGERIES, GUESSES = 200, 10000
GET = wire.request("secret.get", 9, workspace="w", name="n")


def child(function, *args):
    """Run it in a child process; its exit code must be 0."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            function(*args)
            code = 0
        except BaseException as e:      # told by the exit code
            print("child: %r" % e, flush=True)
        os._exit(code)
    same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0,
         "exit code of the child")


def keep_one_capability(uid):
    """That user, with CAP_SYS_ADMIN and no other one."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    LIBC.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setresuid(uid, uid, uid)
    bit = 1 << CAP_SYS_ADMIN
    head = struct.pack("=Ii", 0x20080522, 0)
    data = struct.pack("=6I", bit, bit, 0, 0, 0, 0)
    if LIBC.capset(head, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def send_as(c, data, pid, uid, gid):
    """In the name of another process."""
    c.socket.sendmsg([data], [(socket.SOL_SOCKET, SCM_CREDENTIALS,
                               struct.pack("3i", pid, uid, gid))])


def forge(d, passed, maker):
    """In a child that may give any number as its own, and no other uid."""
    keep_one_capability(OTHER)
    for n in range(FORGERIES):
        # Another one's number, on a connection of its own.
        c = d.connect()
        send_as(c, GET, (maker, 1, os.getppid())[n % 3], OTHER, OTHER)
        r = c.receive()
        status(r, "OTHER_PROCESS", "a forged number")
        check(SECRET not in r.data, "a forged number: the secret")
        c.close()
    for ids in ((maker, USER, USER), (os.getpid(), 0, 0)):
        try:
            send_as(d.connect(), GET, *ids)
        except PermissionError:
            continue
        raise AssertionError("the kernel lets %r be forged" % (ids,))
    # The maker's number, on the maker's connection: with another uid.
    send_as(passed, GET, maker, OTHER, OTHER)
    r = passed.receive()
    status(r, "OTHER_PROCESS", "the maker's number, another uid")
    check(SECRET not in r.data, "the maker's number: the secret")


def forge_the_dead(d, c, maker):
    """The number of a maker that is gone: nobody's."""
    keep_one_capability(USER)
    try:
        send_as(c, GET, maker, USER, USER)
        check(SECRET not in (c.socket.recv(65536) or b""), "of the dead")
    except (BrokenPipeError, ConnectionResetError, ProcessLookupError):
        pass


def forged_numbers(t, d, root):
    status(root.call("grant.add", workspace="w", principal=wire.USER,
                     id=USER, role=wire.CONTRIBUTOR), "OK")
    keep, give = socket.socketpair()
    gate, go = os.pipe()
    for what in (forge, forge_the_dead):
        maker = os.fork()
        if maker == 0:
            try:
                os.close(go)    # it ends with the test, at the latest
                become(USER)
                c = d.connect()
                status(c.get("w", "n"), "OK", "the maker")
                socket.send_fds(give, [b"x"], [c.socket.fileno()])
                os.read(gate, 1)
            finally:
                os._exit(0)
        fds = socket.recv_fds(keep, 1, 1)[1]
        c = wire.Connection.__new__(wire.Connection)
        c.socket, c.buffer = socket.socket(fileno=fds[0]), b""
        c.socket.settimeout(30)
        if what is forge_the_dead:
            os.write(go, b"g")
            os.waitpid(maker, 0)
        child(what, d, c, maker)
        if what is forge:
            os.write(go, b"g")
            os.waitpid(maker, 0)
        c.close()
    told = [e for e in root.events() if e["uid"] in (USER, OTHER) and
            e["status"] == wire.STATUS["OTHER_PROCESS"]]
    check(len(told) > FORGERIES, "%d records of them" % len(told))
    status(root.call("grant.remove", workspace="w", principal=wire.USER,
                     id=USER, role=""), "OK")
    show("%d numbers forged with CAP_SYS_ADMIN: refused, and recorded" %
         FORGERIES)


def squat(d, command):
    """In another network namespace: the same names, abstract ones too."""
    if LIBC.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    held = []
    for name in ("\0cofre", "\0" + d.socket, "\0/run/cofre/cofre.sock",
                 "\0" + d.socket.lstrip("/")):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.bind(name)
        s.listen(8)
        held.append(s)
    try:
        socket.socket(socket.AF_UNIX).bind(d.socket)
        raise AssertionError("the path could be taken")
    except OSError:
        pass
    # The command, here: it finds the daemon by the path, and nobody else.
    done = subprocess.run([command, "--socket", d.socket, "get", "w/n",
                           "--field", "value"], stdout=subprocess.PIPE)
    same((done.returncode, done.stdout), (0, SECRET), "in that namespace")
    for name in ("@cofre", "@" + d.socket):
        for how in (["--socket", name], []):
            tried = subprocess.run(
                [command, *how, "get", "w/n"], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, env=dict(COFRE_SOCKET=name))
            check(tried.returncode != 0 and SECRET not in tried.stdout,
                  "%r: %r" % (name, tried))
    same(select.select(held, [], [], 0)[0], [], "who came to the squatters")


def squatters(t, d):
    child(squat, d, t.cofre())
    # Here, in the daemon's own network namespace, likewise.
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind("\0" + d.socket)
    s.listen(8)
    same(t.run_cofre(d, "get", "w/n", "--field", "value"), SECRET, "here")
    same(select.select([s], [], [], 0)[0], [], "who came to the squatter")
    same([x for x in listening(d) if not x.startswith("/")], [],
         "what the daemon listens at")
    s.close()
    show("names that squatters have taken are nobody's way to the daemon")


def listening(d):
    """The names of the sockets that the daemon has."""
    inodes = {x[8:-1] for x in d.fds().values() if x.startswith("socket:")}
    with open("/proc/net/unix") as f:
        rows = [line.split() for line in f][1:]
    return [r[7] for r in rows if len(r) > 7 and r[6] in inodes]


HOSTILE = dict(
    LISTEN_PID="1", LISTEN_FDS="1000000000", LISTEN_FDNAMES="x:" * 500,
    WATCHDOG_PID="1", WATCHDOG_USEC="1", LC_ALL="xx_XX.UTF-8\x1b[31m",
    LANGUAGE="../../../..", LOCPATH="/nowhere", NLSPATH="/nowhere/%N",
    TMPDIR="/nowhere", TZ=":/etc/shadow", HOME="/nowhere", PATH="",
    MALLOC_PERTURB_="165", MALLOC_ARENA_MAX="1", MALLOC_TOP_PAD_="1",
    MALLOC_TRACE="/nowhere/x",
    GLIBC_TUNABLES="glibc.malloc.check=3:glibc.malloc.perturb=90",
    LD_BIND_NOT="1", LD_DEBUG_OUTPUT="/nowhere/x",
    GETCONF_DIR="/nowhere", RES_OPTIONS="debug", IFS="/", BASH_ENV="/x",
    SODIUM_DISABLE="1", JANSSON="1", POSIXLY_CORRECT="1")


def environments(t):
    """Of the daemon: it takes nothing of it, and keeps none."""
    for extra in ({}, dict(LISTEN_PID="-1"), dict(LISTEN_PID="x" * 4000),
                  dict(LISTEN_FDS="-1", LISTEN_PID="99999999999999999999"),
                  dict(CREDENTIALS_DIRECTORY="relative"),
                  dict(CREDENTIALS_DIRECTORY="/nowhere")):
        d = t.daemon(environment=dict(HOSTILE, **extra))
        root = d.init()
        status(root.call("workspace.create", workspace="w"), "OK")
        status(root.put("w", "n", dict(value=SECRET)), "OK")
        same(t.run_cofre(d, "get", "w/n", "--field", "value"), SECRET,
             "the command, as ever")
        same(t.run_cofre(d, "get", "w/n", "--field", "value",
                         env=dict(HOSTILE, COFRE_SOCKET="/nowhere", **extra)),
             SECRET, "the command, with such an environment")
        plain = t.run_cofre(d, "list", "w", "--json", env={})
        same(t.run_cofre(d, "list", "w", "--json", env=HOSTILE), plain,
             "what it says")
        check(not os.path.exists("/nowhere"), "something was made")
        d.stop()
    notified(t)
    show("a hostile environment changes nothing")


def notified(t):
    """Who is told of the start gets a word of it, and no way in."""
    name = "\0cofre-test-%d" % os.getpid()
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(name)
    heard.settimeout(30)
    d = harness.Daemon(t)
    d.environment = {}
    line = d.command()
    for address, tells in (("@" + name[1:], True), ("@", False),
                           ("relative", False), ("@" + "x" * 200, False),
                           ("/nowhere", False), ("", False)):
        p = subprocess.Popen(line, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE,
                             env=dict(NOTIFY_SOCKET=address))
        text = b""
        while b"cofred: ready" not in text:
            more = os.read(p.stderr.fileno(), 4096)
            check(more, "with NOTIFY_SOCKET=%r: %r" % (address, text))
            text += more
        if tells:
            same(heard.recv(100), b"READY=1", "what is told")
        # It can't be spoken to on that way.
        status(wire.Connection(d.socket).call("status"), "OK")
        p.send_signal(signal.SIGTERM)
        same(p.wait(30), 0, "exit code with NOTIFY_SOCKET=%r" % address)
        p.stderr.close()
    heard.close()


def user_file(path, content, uid=OTHER, mode=0o600):
    harness.write_file(path, content, mode)
    os.chown(path, uid, uid)
    return path


def snapshot(directory):
    """Everything in it, with who owns it and what it holds."""
    found = {}
    for base, names, files in os.walk(directory):
        for name in names + files:
            path = os.path.join(base, name)
            st = os.lstat(path)
            found[path] = (st.st_mode, st.st_uid, st.st_size, st.st_mtime_ns)
    return found


def refuses(t, d, *line):
    """Root's command does not do that, because of the path."""
    done = subprocess.run([t.cofre(), "--socket", d.socket, *line],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)
    check(done.returncode not in (0, 5) and done.stdout == b"" and any(
        x in done.stderr for x in (b"symbolic link", b"File exists",
                                   b"regular file")),
          "%r: %r" % (line, done))


def deputies(t, d):
    """Root's command, where a user has laid out what it will find."""
    theirs = os.path.join(t.dir, "theirs")
    roots = os.path.join(t.dir, "roots")
    for path, uid in ((theirs, OTHER), (roots, 0)):
        os.mkdir(path, 0o755)
        os.chown(path, uid, uid)
    shadow = harness.write_file(os.path.join(roots, "shadow"), b"root:hash\n")
    key = harness.write_file(os.path.join(roots, "key"), os.urandom(32))
    role = harness.write_file(os.path.join(roots, "role"),
                              b'{"Name": "X", "Actions": ["*"]}')

    def link(name, to):
        path = os.path.join(theirs, name)
        os.symlink(to, path)
        os.lchown(path, OTHER, OTHER)
        return path
    link("dir", roots)
    link("up", "..")
    for name, to in (("shadow", shadow), ("key", key), ("role", role),
                     ("new", os.path.join(roots, "made"))):
        link(name, to)
    link("chain", "shadow")
    fifo = os.path.join(theirs, "fifo")
    os.mkfifo(fifo, 0o666)
    os.chown(fifo, OTHER, OTHER)
    before = snapshot(roots), snapshot(theirs)
    reads = [os.path.join(theirs, x) for x in (
        "dir/shadow", "shadow", "chain", "up/roots/shadow", "dir/../roots/"
        "shadow", "./dir/./shadow")]
    for path in reads:
        refuses(t, d, "put", "w/x", "--kind", "generic", "--file", path)
        refuses(t, d, "put", "w/x", "--kind", "generic", "--field",
                "value=" + path)
        refuses(t, d, "role", "import", path.replace("shadow", "role"))
    for path in ("new", "dir/made", "up/roots/made", "shadow", "dir/shadow",
                 "fifo"):
        path = os.path.join(theirs, path)
        refuses(t, d, "get", "w/n", "--field", "value", "--output", path)
        refuses(t, d, "slot", "add", "--keyfile", path)
    for path in ("key", "dir/key"):
        refuses(t, d, "slot", "add", "--keyfile",
                os.path.join(theirs, path))
    refuses(t, d, "activity", "verify", os.path.join(theirs, "dir"))
    t.run_cofre(d, "put", "w/bound", "--kind", "generic", stdin=b"x")
    t.run_cofre(d, "source", "set", "w/bound", "source")
    for path, says in (("dir", b"a symbolic link, which is not followed"),
                       ("up/roots", b"behind a symbolic link of another"),
                       ("dir/.", b"behind a symbolic link of another")):
        out = t.run_cofre(d, "resync-keys", "w", "--only", "generic",
                          "--sources", os.path.join(theirs, path), code=4)
        check(says in out, "--sources %s: %r" % (path, out))
    same((snapshot(roots), snapshot(theirs)), before, "what is there")
    # What is named itself is read and made, through root's own links too.
    mine = os.path.join(roots, "link")
    os.symlink(theirs, mine)
    user_file(os.path.join(theirs, "plain"), b"theirs")
    t.run_cofre(d, "put", "w/x", "--kind", "generic", "--file", os.path.join(mine, "plain"))
    made = os.path.join(mine, "out")
    t.run_cofre(d, "get", "w/n", "--field", "value", "--output", made)
    same(harness.read_file(made), SECRET, "what was written")
    same(os.stat(made).st_mode & 0o7777, 0o600, "its mode")
    # A user's own links are his own.
    same(t.run_cofre(d, "put", "w/x", "--kind", "generic", "--file", os.path.join(
        theirs, "up/theirs/plain"), uid=OTHER, code=5), b"", "his own link")
    # A socket that leads elsewhere gets nothing that is a secret.
    where = os.path.join(theirs, "s")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(where)
    s.listen(1)
    os.chown(where, OTHER, OTHER)
    p = subprocess.Popen([t.cofre(), "--socket", where, "put", "w/x",
                          "--kind", "generic"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdin.write(SECRET)
    p.stdin.close()
    c = s.accept()[0]
    said = c.recv(65536)
    c.close()
    s.close()
    p.wait(30)
    check(SECRET not in said, "a false daemon got it unasked")
    check(p.returncode != 0, "its exit code")
    p.stdout.close()
    p.stderr.close()
    show("root's command reads and makes what is named, and nothing else")


def spoilt(token, random):
    """Tokens that are nearly that one."""
    for i in range(len(token)):
        for bit in range(8):
            yield token[:i] + bytes([token[i] ^ 1 << bit]) + token[i + 1:]
        yield token[:i]
        yield token[:i] + token[i + 1:]
        yield token[i:i + 1] + token
        yield token + token[:i + 1]
    for b in b"\0\n \t=/+":
        yield token + bytes([b])
        yield bytes([b]) + token
    yield token.upper()
    yield token.lower()
    alphabet = (b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                b"0123456789-_")
    while True:
        yield b"cofre_r_" + bytes(random.choice(alphabet)
                                  for _ in range(len(token) - 8))


def try_tokens(path, tokens):
    """In an agent: which of them are taken; none may be."""
    c = wire.Connection(path)
    taken = []
    for i in range(0, len(tokens), 100):
        replies = c.pipeline([("run.attach", dict(token=x))
                              for x in tokens[i:i + 100]])
        for x, r in zip(tokens[i:i + 100], replies):
            if r is None or r.ok or r.status_name not in ("DENIED",
                                                          "BAD_FRAME"):
                taken.append((x, r and r.status_name))
            if r is None or r.status_name == "BAD_FRAME":
                c = wire.Connection(path)
    r = c.get("w", "n")
    if r is None or r.ok:
        taken.append((b"", "the secret"))
    return taken


def begin(root, workspace="w", **more):
    f = status(root.call("run.start", **dict(
        dict(workspace=workspace, target=wire.TOKEN_ONLY, uid=USER, token=1,
             secrets=[dict(name="n")]), **more)), "OK").fields
    return f["run"], f["token"]


def guessed_tokens(t, d, root, random):
    run, token = begin(root)
    dead = []
    for n in range(8):
        r, x = begin(root)
        status(root.call("run.end", workspace="w", run=r), "OK")
        dead.append(x)
    a, b = t.agent(USER), t.agent(OTHER)
    tries = []
    for x in spoilt(token, random):
        if x != token and len(x) <= 127:
            tries.append(x)
        if len(tries) == GUESSES:
            break
    same(a.do(try_tokens, d.socket, tries), [], "tokens that are none")
    same(a.do(try_tokens, d.socket, dead * (GUESSES // len(dead))), [],
         "tokens of runs that are over")
    same(b.do(try_tokens, d.socket, [token] * GUESSES), [],
         "another uid's token")
    c = a.connect(d.socket)
    status(c.call("run.attach", token=token), "OK", "the token itself")
    status(c.get("w", "n"), "OK", "with it")
    # Another workspace's: of that run, and nothing here.
    _, elsewhere = begin(root, "x")
    c = a.connect(d.socket)
    f = status(c.call("run.attach", token=elsewhere), "OK").fields
    same(f["workspace"], b"x", "whose token it is")
    status(c.get("x", "n"), "OK", "there")
    status(c.get("w", "n"), "DENIED", "here")
    status(c.call("run.attach", token=token), "DENIED", "a second run")
    status(c.get("w", "n"), "DENIED", "here, afterwards")
    # Dead for good: over a restart of the daemon, and a lock.
    status(root.call("run.end", workspace="w", run=run), "OK")
    d.kill()
    d.start()
    root = d.connect()
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    same(a.do(try_tokens, d.socket, (dead + [token]) * 100), [],
         "dead tokens, after a restart")
    a.end()
    b.end()
    show("%d tokens guessed, changed, dead or another's: none is taken" %
         (3 * GUESSES))
    return root


def attached(t, d, root):
    """By libcofre, in a program of its own."""
    program = t.copy("ATTACH", os.path.join(os.environ.get("BUILD", "."),
                                            "tests/system/attach"))

    def start(uid, token):
        return subprocess.Popen(
            [program, d.socket, "w", "n"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, user=uid, group=uid, extra_groups=[])

    def tell(p, line):
        p.stdin.write(line + b"\n")
        p.stdin.flush()
        return p.stdout.readline().rstrip(b"\n")

    run, token = begin(root)
    for uid, shown, want in (
            (OTHER, token, b"denied "), (USER, token[:-1], b"denied "),
            (USER, b"nonsense", b"argument "), (USER, b"", b"argument ")):
        p = start(uid, shown)
        said = tell(p, shown)
        check(said.startswith(want), "%r: %r" % (shown[:12], said))
        check(token not in said, "the token in what it says")
        p.communicate()
        same(p.returncode, 1, "its exit code")
    p = start(USER, token)
    same(tell(p, token), b"ok " + run.hex().encode() + b" w", "who it is")
    same(tell(p, b"same"), b"ok " + SECRET, "what it gets")
    # A child has a connection of its own, which has shown nothing.
    same(tell(p, b"child"), b"denied ", "its child")
    same(tell(p, b"new"), b"ok " + run.hex().encode() + b" w", "once more")
    same(p.stdout.readline(), b"ok " + SECRET + b"\n", "what it gets")
    same(tell(p, b"same"), b"ok " + SECRET, "what it still gets")
    status(root.call("run.end", workspace="w", run=run), "OK")
    same(tell(p, b"same"), b"closed ", "after the end")
    check(tell(p, b"new").startswith(b"denied "), "a new one after the end")
    p.communicate()
    same(p.returncode, 0, "its exit code")
    show("a program joins a run with libcofre, for as long as it goes on")


def test(t):
    random = harness.seed()
    harness.need_root()
    d = t.daemon()
    root = d.init()
    for w in ("w", "x"):
        status(root.call("workspace.create", workspace=w), "OK")
        status(root.put(w, "n", dict(value=SECRET)), "OK")
    attached(t, d, root)
    root = guessed_tokens(t, d, root, random)
    forged_numbers(t, d, root)
    squatters(t, d)
    deputies(t, d)
    environments(t)
    d.stop()


harness.main(test, limit=120)
