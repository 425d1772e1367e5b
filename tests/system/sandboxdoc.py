"""doc/SANDBOX.md as a model: which system calls may be made, and how.

The tables of system calls there, read without any help of the code that they
describe: Sections(path)["seccomp"] is a Rules.  What a rule in words asks of
the arguments stands here, in PHRASES.
"""
import mmap
import os
import re
import signal
import socket

LOW, WHOLE = 0xffffffff, (1 << 64) - 1
OWN_PID = "the process itself"
FIONREAD = 0x541b
PIDFD_GET_INFO = 0xc040ff0b     # _IOWR(PIDFS_IOCTL_MAGIC, 11, 64 bytes)
O_TMPFILE = os.O_TMPFILE & ~os.O_DIRECTORY
GETSOCKOPT = (1, LOW, socket.SOL_SOCKET)
ABORT = [(0, LOW, OWN_PID), (2, LOW, signal.SIGABRT)]
# (the argument's place, its bits that count, what they are).  An int is 32
# bits for the kernel, whatever is above; a pointer is all 64.
PHRASES = {
    "any": [],
    "nfds is 1": [(1, LOW, 1)],
    "nfds is 5": [(1, LOW, 5)],
    "flags are SOCK_NONBLOCK and SOCK_CLOEXEC":
        [(3, LOW, socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)],
    "FIONREAD": [(1, LOW, FIONREAD)],
    "PIDFD_GET_INFO": [(1, LOW, PIDFD_GET_INFO)],
    "SOL_SOCKET, SO_PEERCRED": [GETSOCKOPT, (2, LOW, 17)],
    "SOL_SOCKET, SO_PEERPIDFD": [GETSOCKOPT, (2, LOW, 77)],
    "SOL_SOCKET, SO_PEERGROUPS": [GETSOCKOPT, (2, LOW, 59)],
    "no address": [(4, WHOLE, 0)],
    "with O_NOFOLLOW and O_CLOEXEC, no O_PATH, no O_TMPFILE":
        [(2, os.O_NOFOLLOW | os.O_CLOEXEC | os.O_PATH | O_TMPFILE,
          os.O_NOFOLLOW | os.O_CLOEXEC)],
    "for reading, with O_CLOEXEC, no O_CREAT, no O_PATH":
        [(2, os.O_ACCMODE | os.O_CLOEXEC | os.O_CREAT | os.O_TRUNC |
          os.O_PATH | O_TMPFILE, os.O_CLOEXEC)],
    "no O_TRUNC, no O_PATH, no O_TMPFILE":
        [(2, os.O_TRUNC | os.O_PATH | O_TMPFILE, 0)],
    "mode is 0": [(1, LOW, 0)],
    "min_nr is 0": [(1, LOW, 0)],
    "F_SETLK": [(1, LOW, 6)],
    "F_GETFD": [(1, LOW, 1)],
    "F_SETFD": [(1, LOW, 2)],
    "no PROT_EXEC": [(2, mmap.PROT_EXEC, 0)],
    "prot is PROT_READ": [(2, LOW, mmap.PROT_READ)],
    "not shared, no PROT_EXEC": [(2, mmap.PROT_EXEC, 0),
                                 (3, mmap.MAP_SHARED, 0)],
    "flags are MREMAP_MAYMOVE": [(3, LOW, 1)],
    "MADV_RANDOM": [(2, LOW, mmap.MADV_RANDOM)],
    "SIGABRT to the daemon itself": ABORT,
    "SIGABRT to the witness itself": ABORT,
    "SIGABRT to the process itself": ABORT,
    "descriptor 2": [(0, LOW, 2)],
    "descriptor 3": [(0, LOW, 3)],
    "fork(2), and no flag more": [(0, LOW, 0x01200011)],
    "SIGABRT": ABORT[1:],
    "SIGKILL": [(1, LOW, signal.SIGKILL)],
    "FUTEX_WAKE": [(1, LOW, 1)],
    "SHUT_RDWR": [(1, LOW, 2)],
    "WNOHANG": [(2, LOW, os.WNOHANG)],
    "PR_SET_PDEATHSIG": [(0, LOW, 1)],
    "PR_SET_NO_NEW_PRIVS": [(0, LOW, 38)],
    "its own RLIMIT_NPROC": [(0, LOW, 0), (1, LOW, 6)],
}
# These two have the same words for another argument.
OTHERS = {("pidfd_open", "flags are 0"): [(1, LOW, 0)],
          ("unlinkat", "flags are 0"): [(2, LOW, 0)]}
ROW = re.compile(r"^\| `([a-z0-9_]+)` \| ([^|]+) \| [^|]+ \|$")


def numbers(header="/usr/include/x86_64-linux-gnu/asm/unistd_64.h"):
    """The system calls of x86-64: {name: number}."""
    with open(header) as f:
        return {name: int(number) for name, number in
                re.findall(r"#define __NR_(\w+) (\d+)", f.read())}


class Rules:
    """What one table allows: {number: [[(place, bits, value)], ...]}."""

    def __init__(self, pid):
        self.pid, self.calls, self.rows = pid, {}, 0

    def add(self, name, number, phrase):
        rule = OTHERS.get((name, phrase))
        if rule is None:
            rule = PHRASES[phrase]
        self.rows += 1
        self.calls.setdefault(number, []).append(
            [(place, bits, self.pid if value is OWN_PID else value)
             for place, bits, value in rule])

    def allow(self, number, arguments):
        return any(all(arguments[place] & bits == value
                       for place, bits, value in rule)
                   for rule in self.calls.get(number, ()))

    def places(self, number):
        """The arguments that count, each with (mask, number) for its lower
        and its upper 32 bits."""
        found = {}
        for rule in self.calls.get(number, ()):
            for place, bits, value in rule:
                low, high = found.setdefault(place, (set(), set()))
                low.add((bits & LOW, value & LOW))
                if bits >> 32:
                    high.add((bits >> 32, value >> 32))
        return found

    def __add__(self, other):
        both = Rules(self.pid)
        both.rows = self.rows + other.rows
        for calls in (self.calls, other.calls):
            for number, rules in calls.items():
                both.calls.setdefault(number, []).extend(rules)
        return both


def sections(path, pids):
    """{heading of the second level: Rules}, for process ids by heading."""
    known, found, heading = numbers(), {}, None
    with open(path) as f:
        for line in f:
            if line.startswith("## "):
                heading = line[3:].strip()
            row = ROW.match(line.rstrip("\n"))
            if row and heading in pids:
                rules = found.setdefault(heading, Rules(pids[heading]))
                rules.add(row.group(1), known[row.group(1)], row.group(2))
    return found
