#!/usr/bin/env python3
"""What the daemon is when it serves: a process without privileges, with
nothing open that it does not need, that nobody of its own uid can look into,
and that is killed when it calls what it never calls.  And what it is made
of: four libraries, and none of the functions that execute, load or look up
names."""
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status
from search import regions

# What may be open, and how often.
DESCRIPTORS = [
    (r"/dev/null", 3),
    (r"{dir}/stderr", 2),
    (r"{dir}/conf", 1),
    (r"{dir}/state", 1),
    (r"{dir}/state/data\.mdb", 2),      # LMDB has one for its meta pages
    (r"{dir}/state/data\.mdb-lock", 1),
    (r"{dir}/state/ssh\.lmdb", 2),      # the store of SSH keys, likewise
    (r"{dir}/state/ssh\.lmdb-lock", 1),
    (r"{dir}/state/activity", 1),
    (r"{dir}/state/activity/[0-9a-f]{{16}}\.log", 2),   # and flushed ahead
    (r"anon_inode:\[signalfd\]", 1),
    (r"anon_inode:\[eventpoll\]", 3),   # events, and ends of processes; and
                                        # what the sentry waits for:
    (r"anon_inode:\[pidfd\]", 1),       # of the one peer
    (r"/proc/[0-9]+/pagemap", 1),       # likewise: has it executed another
    (r"anon_inode:\[pidfd\]", 2),       # of the sentry, and of the daemon
    (r"anon_inode:\[eventfd\]", 1),     # which wakes the sentry
    (r"/proc/{pid}/stat", 1),           # how the sentry sees the daemon
    (r"socket:\[[0-9]+\]", 8),          # listening, sd_notify, five of the
                                        # witness, the peer
]

# A call each of what a program that was taken over would want.  One that
# works, and one that must work, show that the way of calling is right.
FORBIDDEN = {
    "execve": '(long)syscall(59, "/bin/true", 0, 0)',
    "fork": "(long)syscall(57)",
    "clone3": "(long)syscall(435, 0, 0)",
    "socket": "(long)syscall(41, 1, 1, 0)",
    "connect": "(long)syscall(42, 0, 0, 0)",
    "open": '(long)syscall(2, "/etc/passwd", 0)',
    "openat without O_NOFOLLOW": '(long)syscall(257, -100, "data.mdb", 0)',
    "ptrace": "(long)syscall(101, 0, 0, 0, 0)",
    "process_vm_readv": "(long)syscall(310, 1, 0, 0, 0, 0, 0)",
    "memory that can be executed": "(long)syscall(9, 0, 4096, 7, 34, -1, 0)",
    "mprotect": "(long)syscall(10, 0, 4096, 7)",
    "prctl": "(long)syscall(157, 4, 1, 0, 0, 0)",
    "setuid": "(long)syscall(105, 0)",
    "kill": "(long)syscall(62, 1, 0)",
    "io_uring_setup": "(long)syscall(425, 1, 0)",
    "bpf": "(long)syscall(321, 0, 0, 0)",
    "another ABI (x32)": "(long)syscall(0x40000027)",
}
ALLOWED = "(long)syscall(39)"       # getpid

LIBRARIES = {"libc.so.6", "libsodium.so.23", "liblmdb.so.0",
             "libseccomp.so.2"}
# Functions that are never called, as names of what is imported.  fork is,
# once, before the sandbox: for the witness.  The sentry is made by
# syscall(2): it is a process with the same descriptors.
IMPORTS = re.compile(
    r"^(dlopen|dlmopen|dlsym|system|popen|posix_spawnp?|vfork|clone|"
    r"exec[vlpe]+|fexecve|execveat|wordexp|"
    r"getpw.*|getgr(nam|gid|ent|ouplist).*|initgroups|getservby.*|"
    r"gethostby.*|getaddrinfo|getnameinfo|res_.*|"
    r"syslog|vsyslog|openlog|setlocale|iconv.*|"
    r"strcpy|strcat|sprintf|vsprintf|gets|scanf|sscanf|fscanf|"
    r"rand|random|srand|mktemp|tmpnam|tempnam|getwd|alloca|"
    r"__(strcpy|strcat|sprintf|vsprintf|gets)_chk)$")


def process(d):
    s = d.proc_status()
    for kind in ("Uid", "Gid"):
        ids = s[kind].split()
        check(len(set(ids)) == 1 and ids[0] not in ("0", "65534"),
              "%s: %s" % (kind, ids))
    same(s["Groups"].split(), [], "groups")
    same(s["NoNewPrivs"], "1", "NoNewPrivs")
    same(s["Seccomp"], "2", "Seccomp")
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        same(int(s[kind], 16), 0, kind)
    same(s["Threads"], "1", "threads")
    limits = {line[:26].strip(): line[26:].split()[:2]
              for line in d.proc("limits").splitlines()}
    same(limits["Max core file size"], ["0", "0"], "limit of cores")
    same(limits["Max processes"], ["0", "0"], "limit of processes")
    # The files of a process that is not dumpable are root's.
    same(os.stat("/proc/%d/mem" % d.pid).st_uid, 0, "owner of /proc/PID/mem")
    show("uid %s, no groups, no capabilities, no_new_privs, seccomp, no "
         "cores, no processes, not dumpable" % s["Uid"].split()[0])


def memory(d):
    for start, _, mode, name in regions(d.pid):
        check("wx" not in mode, "%x %s %s can be written and executed" %
              (start, mode, name))
        check(name not in ("[heap]", "[stack]") or "x" not in mode,
              "%s can be executed" % name)
    show("no memory can be written and executed")


def look_inside(pid):
    """As the daemon's own uid: what the kernel says to each attempt."""
    libc = ctypes.CDLL(None, use_errno=True)
    got = {}
    for name in ("mem", "environ", "maps", "fd/4", "auxv"):
        try:
            with open("/proc/%d/%s" % (pid, name), "rb") as f:
                f.read(1)
            got[name] = "read"
        except PermissionError:
            got[name] = "denied"
    libc.ptrace.restype = ctypes.c_long
    got["ptrace"] = "read" if libc.ptrace(16, pid, 0, 0) == 0 else "denied"
    fd = os.pidfd_open(pid)
    taken = libc.syscall(438, fd, 4, 0)     # pidfd_getfd
    got["pidfd_getfd"] = "read" if taken >= 0 else "denied"
    return got


def same_uid(t, d):
    uid = int(d.proc_status()["Uid"].split()[0])
    keeper, workers = harness.witness_of(d)
    for pid in [d.pid, keeper, harness.sentry_of(d)] + workers:
        got = t.agent(uid).do(look_inside, pid)
        same(set(got.values()), {"denied"},
             "for a process of its uid: %s" % got)
    show("of the same uid, none can look into it, its witness or its sentry: %s" %
         ", ".join(sorted(got)))


def descriptors(d, c):
    left = [[re.compile(p.format(dir=re.escape(d.dir), pid=d.pid) + "$"), n]
            for p, n in DESCRIPTORS]
    for fd, what in sorted(d.fds().items()):
        for row in left:
            if row[0].match(what) and row[1] > 0:
                row[1] -= 1
                break
        else:
            check(False, "descriptor %d is %s" % (fd, what))
    before = d.fds()
    for i in range(50):
        status(c.put("w", "n%d" % i, dict(value=b"x" * 500)), "OK")
        status(c.get("w", "n%d" % i), "OK")
    same(d.fds(), before, "descriptors after some work")
    show("%d descriptors, each of which has a reason" % len(before))


# --- what it must not call --------------------------------------------------

def gdb(d, call):
    return subprocess.run(
        ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off",
         "-p", str(d.pid), "-ex", "print " + call, "-ex", "detach"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=60).stdout.decode()


def forbidden(t):
    if shutil.which("gdb") is None or os.uname().machine != "x86_64":
        show("skipped part: no gdb, or not x86-64: forbidden calls are left "
             "to the unit tests")
        return
    d = t.daemon()
    out = gdb(d, ALLOWED)
    check(re.search(r"\$1 = %d\b" % d.pid, out), "gdb can't call: " + out)
    check(d.alive(), "an allowed call ends it")
    status(d.connect().call("status"), "OK", "after a debugger")
    for name, call in FORBIDDEN.items():
        out = gdb(d, call)
        check("SIGSYS" in out, "%s: %s" % (name, out))
        same(d.wait(), -signal.SIGSYS, name + ": how it ended")
        d.start()
    d.stop()
    show("killed for: %s" % ", ".join(FORBIDDEN))


# --- how it ends ------------------------------------------------------------

def no_core(t):
    if t.has_sanitizer():
        show("skipped part: a sanitizer has its own ways with signals")
        return
    d = t.daemon()
    c = d.init()
    status(c.call("workspace.create", workspace="w"), "OK")
    where = {os.path.join(base, n) for base, _, names in os.walk(d.dir)
             for n in names}
    for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT):
        d.signal(number)
        same(d.wait(), -number, "how it ended")
        after = {os.path.join(base, n) for base, _, names in os.walk(d.dir)
                 for n in names}
        same(after, where, "files after signal %d" % number)
        d.start()
    d.signal(signal.SIGBUS)
    same(d.wait(), 74, "exit code after SIGBUS")
    check("mapped file" in d.stderr(), "after SIGBUS: " + d.stderr())
    d.start()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        d.signal(number)
    status(d.connect().call("status"), "OK", "after signals")
    d.stop()
    show("no core after SIGSEGV, SIGABRT, SIGQUIT; SIGBUS is told")


# --- what it is made of -----------------------------------------------------

def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE) \
        .stdout.decode()


def binary(t):
    path = t.cofred()
    if t.has_sanitizer():
        show("skipped part: the libraries and imports of a build with "
             "sanitizers are not the daemon's own")
        return
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]",
                            output("readelf", "-dW", path)))
    check(needed <= LIBRARIES, "libraries: %s" % (needed - LIBRARIES))
    imports = [line.split()[-1].split("@")[0] for line in output(
        "nm", "-D", "--undefined-only", path).splitlines()]
    check(len(imports) > 20, "nm tells of no imports")
    bad = [n for n in imports if IMPORTS.match(n)]
    same(bad, [], "functions that it imports")
    dynamic = output("readelf", "-dW", path)
    check("RPATH" not in dynamic and "RUNPATH" not in dynamic, "a path")
    check("NOW" in dynamic and "TEXTREL" not in dynamic, "how it is linked")
    segments = output("readelf", "-lW", path)
    check("GNU_RELRO" in segments, "no RELRO")
    check(not re.search(r"GNU_STACK.*RWE", segments), "executable stack")
    check(re.search(r"Elf file type is DYN", segments), "not PIE")
    show("needs %s; none of %d imports executes, loads or looks up names" %
         (", ".join(sorted(needed)), len(imports)))


def test(t):
    harness.need_root()
    binary(t)
    d = t.daemon()
    c = d.init()
    status(c.call("workspace.create", workspace="w"), "OK")
    report = c.report()
    for key, want in (("system call filter", "kill"),
                      ("capabilities", "none"), ("no_new_privs", "yes"),
                      ("dumpable", "no")):
        same(report[key], want, "report: " + key)
    check(report["landlock"].startswith("ABI "), report["landlock"])
    process(d)
    memory(d)
    descriptors(d, c)
    same_uid(t, d)
    d.stop()
    no_core(t)
    forbidden(t)


harness.main(test, limit=120)
