#!/usr/bin/env python3
"""Code of somebody else's runs inside the daemon, with the vault open.  Each
system call by which it could execute, connect, look into others, or undo the
sandbox ends it; what the filter lets through reaches no file but those of
the state directory; and without the filter Landlock, ids and limits still
deny.  A read or write that runs on from the buffer of a request, up or down,
meets a page that faults before it meets a key."""
import ctypes
import errno
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
import sandboxdoc
import tracing
from expect import check, same, show, status
from search import Needles, canary, vault_keys, words

CALL, CALL_I386, READ_UP, READ_DOWN, WRITE_UP, WRITE_DOWN = range(1, 7)
LAYOUT = struct.Struct("=IIIIqQ6q")
TEXTS, TAKEN, SIZE = 80, 4096, 4 << 20
AT_FDCWD = -100
SAFE = os.O_NOFOLLOW | os.O_CLOEXEC
SOMEBODY = 1
# A page of the kernel's choice, and a descriptor that is none.
NOWHERE, NO_FD = 0, 1 << 20


class Inside:
    """A daemon with an open vault, and what is told to the code in it."""

    def __init__(self, t):
        path = harness.write_file(os.path.join(t.dir, "inside.page"),
                                  bytes(SIZE))
        with open(path, "r+b") as f:
            self.page = mmap.mmap(f.fileno(), SIZE)
        library = os.path.join(os.environ.get("BUILD", "."),
                               "tests/system/.libs/inside.so")
        self.keyfile = t.keyfile()
        self.daemon = harness.Daemon(
            t, keyfile=self.keyfile, environment=dict(
                LD_PRELOAD=os.path.abspath(library), INSIDE=path))
        self.daemon.start()
        self.value = canary(harness.seed()).encode()
        c = self.daemon.init(harness.slot_key(harness.read_file(
            self.keyfile)))
        status(c.call("workspace.create", workspace="w"), "OK")
        status(c.put("w", "n", dict(value=self.value)), "OK")
        c.close()

    def tell(self, order, number=0, arguments=()):
        """The next message that the daemon gets has it done."""
        texts = TEXTS
        address = LAYOUT.unpack_from(self.page)[5]
        numbers = []
        for a in arguments:
            if isinstance(a, bytes):
                self.page[texts:texts + len(a) + 1] = a + b"\0"
                a, texts = address + texts, texts + len(a) + 1
            numbers.append(a)
        numbers += [0] * (6 - len(numbers))
        # The order last: the daemon may be reading the end of the connection
        # before this one, and obey at once.
        LAYOUT.pack_into(self.page, 0, 0, number, 0, 0, 0, address, *numbers)
        self.page[:4] = struct.pack("=I", order)
        try:
            wire.Connection(self.daemon.socket).call("status")
        except (wire.WireError, OSError):
            pass
        return LAYOUT.unpack_from(self.page)

    def call(self, number, *arguments):
        """What the system call says: a number, or the name of its error."""
        state = self.tell(CALL, number, arguments)
        check(state[2] == 1, "call %d ended the daemon" % number)
        result = state[4]
        return errno.errorcode.get(-result, result) if result < 0 else result

    def killed(self, what, order, number, *arguments, by=signal.SIGSYS):
        """It ends the daemon at once, and a new one is as it was."""
        state = self.tell(order, number, arguments)
        check(state[2] == 0, "%s: it said %d" % (what, state[4]))
        same(self.daemon.wait(), -by, what + ": how it ended")
        self.daemon.start()

    def walk(self, order):
        """Bytes until something faulted, and what was read."""
        taken = self.tell(order)[3]
        same(self.daemon.wait(), -signal.SIGSEGV, "how it ended")
        read = self.page[TAKEN:TAKEN + taken]
        self.daemon.start()
        return taken, read


def forbidden(pid, fd):
    """What code inside would want: (name, arguments)."""
    none = b"/nowhere"
    ip = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(9),
                     b"\x7f\0\0\1")
    yield from (
        ("execve", none, 0, 0), ("execveat", AT_FDCWD, none, 0, 0, 0),
        ("fork",), ("vfork",), ("clone", 0x100, 0, 0, 0, 0),
        ("clone3", 0, 0), ("ptrace", 16, SOMEBODY, 0, 0),
        ("process_vm_readv", SOMEBODY, 0, 0, 0, 0, 0),
        ("process_vm_writev", SOMEBODY, 0, 0, 0, 0, 0),
        ("process_madvise", fd, 0, 0, 0, 0), ("pidfd_getfd", fd, 0, 0),
        ("pidfd_open", pid, 1), ("kcmp", pid, pid, 0, 0, 0))
    for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6,
                   socket.AF_NETLINK, socket.AF_PACKET, socket.AF_VSOCK,
                   socket.AF_ALG):
        yield "socket", family, socket.SOCK_STREAM, 0
    yield from (
        ("socketpair", 1, 1, 0, none), ("connect", fd, ip, 16),
        ("bind", fd, ip, 16), ("listen", fd, 1),
        ("accept", fd, 0, 0), ("accept4", fd, 0, 0, 0),
        ("setsockopt", fd, 1, 1, none, 4), ("getsockopt", fd, 1, 3, none, 0),
        ("sendto", fd, none, 1, 0, ip, 16), ("sendmsg", fd, none, 0),
        ("sendmmsg", fd, none, 1, 0), ("shutdown", fd, 2),
        ("open", b"/etc/passwd", 0), ("creat", none, 0o600),
        ("openat", AT_FDCWD, b"data.mdb", os.O_RDONLY),
        ("openat", fd, b"data.mdb", os.O_RDONLY | os.O_CLOEXEC),
        ("openat", fd, b"data.mdb", SAFE | os.O_PATH),
        ("openat", fd, b".", SAFE | os.O_TMPFILE | os.O_RDWR),
        ("openat2", fd, none, none, 24),
        ("open_by_handle_at", fd, none, 0), ("name_to_handle_at", fd, none,
                                             none, none, 0),
        ("getdents64", fd, none, 8), ("readlink", none, none, 8),
        ("rename", none, none), ("renameat2", fd, none, fd, none, 0),
        ("link", none, none), ("linkat", fd, none, fd, none, 0),
        ("symlink", none, none), ("symlinkat", none, fd, none),
        ("mkdir", none, 0), ("mkdirat", fd, none, 0),
        ("mknodat", fd, none, 0o10600, 0), ("rmdir", none),
        ("unlinkat", fd, none, 0x200), ("truncate", none, 0),
        ("chmod", none, 0), ("fchmod", fd, 0), ("fchmodat", fd, none, 0),
        ("chown", none, 0, 0), ("fchown", fd, 0, 0),
        ("setxattr", none, none, none, 1, 0), ("utimensat", fd, none, 0, 0),
        ("fallocate", fd, 3, 0, 4096), ("dup", fd), ("dup2", fd, 9),
        ("fcntl", fd, 0, 0), ("fcntl", fd, 4, 0), ("ioctl", fd, 0x5412,
                                                   none),
        ("ioctl", fd, 0x5401, none), ("flock", fd, 2),
        ("write", fd, none, 1), ("write", 1, none, 1),
        ("splice", fd, 0, fd, 0, 1, 0), ("tee", fd, fd, 1, 0),
        ("vmsplice", fd, none, 1, 0), ("sendfile", fd, fd, 0, 1),
        ("copy_file_range", fd, 0, fd, 0, 1, 0),
        ("io_uring_setup", 1, none), ("io_setup", 1, none),
        ("userfaultfd", 0), ("bpf", 0, none, 0),
        ("perf_event_open", none, 0, 0, 0, 0), ("keyctl", 0, 0, 0, 0, 0),
        ("add_key", none, none, 0, 0, 0), ("request_key", none, none, 0, 0),
        ("memfd_create", none, 0), ("memfd_secret", 0),
        ("mmap", NOWHERE, 4096, 7, 0x22, -1, 0),
        ("mmap", NOWHERE, 4096, mmap.PROT_READ | mmap.PROT_EXEC, 0x22, -1,
         0), ("mprotect", NOWHERE, 4096, mmap.PROT_EXEC),
        ("mprotect", NOWHERE, 4096, mmap.PROT_READ), ("pkey_mprotect", 0, 0,
                                                      0, 0),
        ("mremap", NOWHERE, 4096, 4096, 3, NOWHERE),
        ("remap_file_pages", 0, 0, 0, 0, 0), ("mlock", 0, 0),
        ("munlock", NOWHERE, 4096), ("munlockall",),
        ("madvise", NOWHERE, 0, 10), ("msync", NOWHERE, 0, 0),
        ("shmget", 0, 4096, 0o1600), ("shmat", 0, 0, 0),
        ("msgget", 0, 0o1600), ("semget", 0, 1, 0o1600),
        ("mq_open", none, 64, 0, 0),
        ("mount", none, none, none, 0, 0), ("umount2", none, 0),
        ("open_tree", fd, none, 0), ("move_mount", fd, none, fd, none, 0),
        ("fsopen", none, 0), ("chroot", none), ("chdir", none),
        ("fchdir", fd), ("pivot_root", none, none),
        ("unshare", 0x10000000), ("setns", fd, 0),
        ("init_module", none, 0, none), ("finit_module", fd, none, 0),
        ("kexec_load", 0, 0, 0, 0), ("iopl", 3), ("ioperm", 0, 1, 1),
        ("personality", 0), ("modify_ldt", 0, 0, 0),
        ("arch_prctl", 0x1002, 0), ("setuid", 0), ("setgid", 0),
        ("setreuid", 0, 0), ("setresuid", 0, 0, 0), ("setresgid", 0, 0, 0),
        ("setgroups", 0, 0), ("setfsuid", 0), ("capset", none, none),
        ("kill", SOMEBODY, 0), ("kill", pid, signal.SIGKILL),
        ("tkill", pid, signal.SIGABRT), ("tgkill", pid, pid, signal.SIGKILL),
        ("tgkill", SOMEBODY, SOMEBODY, signal.SIGABRT),
        ("rt_sigqueueinfo", SOMEBODY, 10, none),
        ("pidfd_send_signal", fd, 9, 0, 0),
        ("prctl", 4, 1, 0, 0, 0), ("prctl", 22, 1, 0, 0, 0),
        ("seccomp", 1, 0, 0), ("landlock_create_ruleset", 0, 0, 1),
        ("prlimit64", 0, 4, none, 0), ("setrlimit", 4, none),
        ("rt_sigaction", 11, 0, 0, 8), ("rt_sigreturn",),
        ("sigaltstack", 0, 0), ("alarm", 1), ("nanosleep", none, 0),
        ("timer_create", 0, 0, none), ("sysinfo", none), ("uname", none),
        ("getcpu", 0, 0, 0), ("reboot", 0, 0, 0, 0), ("ustat", 0, 0),
        ("syslog", 3, none, 8), ("acct", 0), ("quotactl", 0, 0, 0, 0),
        ("settimeofday", 0, 0), ("clock_settime", 0, none))


def how_i386_ends():
    """What a call of i386 does inside the sandbox: the filter ends it, or, on
    a kernel that has no such calls, it is no instruction in any program."""
    # mov eax, 20 (getpid); int 0x80; ret
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE |
                     mmap.PROT_EXEC)
    code.write(b"\xb8\x14\0\0\0\xcd\x80\xc3")
    at = ctypes.addressof(ctypes.c_char.from_buffer(code))
    pid = os.fork()
    if pid == 0:
        good = ctypes.CFUNCTYPE(ctypes.c_int)(at)() == os.getpid()
        os._exit(0 if good else 1)
    end = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    check(end in (0, -signal.SIGSEGV), "a call of i386, anywhere: %d" % end)
    return signal.SIGSYS if end == 0 else signal.SIGSEGV


def filter_alone(inside):
    known = sandboxdoc.numbers()
    d = inside.daemon
    same(inside.call(known["getpid"]), d.pid, "getpid, which is allowed")
    tried = set()
    fd = next(n for n, what in d.fds().items() if what == d.state_dir)
    cases = sum(1 for _ in forbidden(0, fd))
    for i in range(cases):
        # Its own id is another one each time.
        name, *arguments = list(forbidden(d.pid, fd))[i]
        inside.killed(name, CALL, known[name], *arguments)
        tried.add(name)
    inside.killed("x32", CALL, 1 << 30 | known["getpid"])
    by = how_i386_ends()
    inside.killed("i386", CALL_I386, 20, by=by)
    inside.killed("i386's openat", CALL_I386, 295, by=by)
    inside.killed("no number", CALL, 0xffffffff)
    show("killed for each of %d calls, %d system calls and other rules for "
         "them%s" % (cases + 4, len(tried), "" if by == signal.SIGSYS else
                     "; this kernel itself has no calls of i386"))


def state_directory_alone(t, inside):
    """By calls that the filter lets through."""
    known = sandboxdoc.numbers()
    d = inside.daemon
    victim = harness.write_file(os.path.join(t.dir, "victim"), b"whole",
                                0o666)
    os.chmod(t.dir, 0o777)
    fds = {what: n for n, what in d.fds().items()}
    state = fds[d.state_dir]
    check(inside.call(known["openat"], state, b"data.mdb", SAFE) > 2,
          "a file of its own can't be opened: the calls are wrong")
    for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR | os.O_CREAT,
                  os.O_DIRECTORY):
        for where, path in ((AT_FDCWD, victim.encode()),
                            (AT_FDCWD, b"/etc/shadow"),
                            (AT_FDCWD, b"/proc/1/mem"),
                            (AT_FDCWD, b"/proc/self/mem"),
                            (AT_FDCWD, b"/proc/self/root/etc/passwd"),
                            (AT_FDCWD, b"/dev/mem"), (AT_FDCWD, b"/"),
                            (state, b".."), (state, b"../conf"),
                            (AT_FDCWD, t.dir.encode() + b"/new")):
            got = inside.call(known["openat"], where, path, flags | SAFE,
                              0o600)
            check(got in ("EACCES", "ENOTDIR", "EISDIR", "ENOENT"),
                  "open of %r: %s" % (path, got))
    same(inside.call(known["unlinkat"], AT_FDCWD, victim.encode(), 0),
         "EACCES", "remove a file outside")
    for here, there in ((victim.encode(), b"taken"),
                        (b"data.mdb", victim.encode())):
        got = inside.call(known["renameat"], state, here, state, there)
        check(got in ("EACCES", "EXDEV"), "rename of %r: %s" % (here, got))
    same(harness.read_file(victim), b"whole", "a file of others")
    same(sorted(os.listdir(t.dir)).count("new"), 0, "a new file outside")
    show("what the filter lets through reaches the state directory alone")


def without_the_filter(t, inside):
    """What holds should a way past the filter be found."""
    known = sandboxdoc.numbers()
    d = inside.daemon
    ours = t.agent(int(d.proc_status()["Uid"].split()[0]))
    ours.do(os.getpid)
    ip = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(9),
                     b"\x7f\0\0\1")
    here = struct.pack("=QQ", LAYOUT.unpack_from(inside.page)[5], 8)
    with socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0cofre-inside-%d" % os.getpid())
        abstract.listen()
        name = struct.pack("=H", socket.AF_UNIX) + \
            abstract.getsockname()
        with tracing.without_filters(d.pid):
            denied = {}

            def one(what, want, *arguments):
                got = inside.call(known[what], *arguments)
                check(got in want.split(), "%s: %s" % (what, got))
                denied[what] = got

            one("execve", "EACCES", b"/bin/true", 0, 0)
            one("fork", "EAGAIN")
            one("open", "EACCES", b"/etc/passwd", 0)
            one("truncate", "EACCES", b"/etc/hostname", 0)
            one("mkdirat", "EACCES", AT_FDCWD,
                d.state_dir.encode() + b"/d", 0o700)
            one("symlinkat", "EACCES", b"x", AT_FDCWD,
                d.state_dir.encode() + b"/l")
            one("mknodat", "EACCES", AT_FDCWD,
                d.state_dir.encode() + b"/p", 0o10600, 0)
            one("linkat", "EACCES EXDEV", AT_FDCWD,
                d.state_dir.encode() + b"/data.mdb", AT_FDCWD,
                t.dir.encode() + b"/link", 0)
            one("setuid", "EPERM", 0)
            one("setgroups", "EPERM", 0, 0)
            one("chroot", "EPERM EACCES", b"/")
            one("mount", "EPERM", b"x", b"/mnt", b"tmpfs", 0, 0)
            one("ptrace", "EPERM", 16, ours.pid, 0, 0)
            one("process_vm_readv", "EPERM", ours.pid, here, 1, here, 1, 0)
            one("kill", "EPERM", ours.pid, 0)
            tcp = inside.call(known["socket"], socket.AF_INET, 1, 0)
            check(tcp > 2, "no socket: %s" % tcp)
            one("connect", "EACCES", tcp, ip, 16)
            one("bind", "EACCES", tcp, ip, 16)
            unix = inside.call(known["socket"], socket.AF_UNIX, 1, 0)
            one("connect", "EPERM", unix, name, len(name))
        show("without the filter: %s" % ", ".join(
            "%s %s" % row for row in sorted(denied.items())))
    d.kill()
    d.start()


def walks(t, inside):
    d = inside.daemon
    keys = vault_keys(t, d, inside.keyfile)
    check(len(keys) >= 3, "which keys: %s" % sorted(keys))
    needles = Needles(keys, words)
    secret = Needles(dict(secret=inside.value))
    for order, what in ((READ_UP, "read up"), (READ_DOWN, "read down")):
        c = d.connect()
        same(c.get("w", "n").fields["fields"][0]["value"], inside.value,
             "the secret")
        taken, read = inside.walk(order)
        check(0 < taken < 2 << 20, "%s: %d bytes" % (what, taken))
        for data in (read, read[::-1]):
            same(needles.find(data) + secret.find(data), [],
                 what + ": what was found")
        show("%s from the buffer of a request: a fault after %d bytes, in "
             "which is no key, and no secret that was served before" %
             (what, taken))
    for order, what in ((WRITE_UP, "write up"), (WRITE_DOWN, "write down")):
        taken, _ = inside.walk(order)
        check(0 < taken < 2 << 20, "%s: %d bytes" % (what, taken))
        same(d.connect().get("w", "n").fields["fields"][0]["value"],
             inside.value, "the secret after a " + what)
        show("%s: a fault after %d bytes, and the vault opens as it was" %
             (what, taken))


def test(t):
    harness.need_root()
    if t.has_sanitizer() or os.uname().machine != "x86_64":
        show("built with a sanitizer, with which nothing is preloaded, or "
             "not x86-64: not tried")
        return
    inside = Inside(t)
    filter_alone(inside)
    state_directory_alone(t, inside)
    without_the_filter(t, inside)
    walks(t, inside)


harness.main(test, limit=180)
