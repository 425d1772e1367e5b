"""A daemon to whom the kernel, libc and the clocks lie: see faults.c."""
import mmap
import os
import struct
import time

import harness
from expect import check, show

NOTHING, CALL, ALLOCATION = range(3)
SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD = 17, 59, 77
LAYOUT = struct.Struct("=IIiIIIiiqq")      # and live
SECOND = 10 ** 9
EPOLL = {"x86_64": ("232", "281"), "aarch64": ("22",)}  # epoll_(p)wait(2)


class Faults:
    """The page in which it says what is to go wrong; nothing, at first."""

    def __init__(self, t, **more):
        path = harness.write_file(os.path.join(t.dir, "faults.page"),
                                  bytes(4096))
        self.path = os.path.join(os.environ.get("BUILD", "."),
                                 "tests/system/.libs/faults.so")
        with open(path, "r+b") as f:
            self.page = mmap.mmap(f.fileno(), 4096)
        self.daemon = harness.Daemon(t, environment=dict(
            LD_PRELOAD=os.path.abspath(self.path), FAULTS=path), **more)
        self.clocks = (0, 0)
        self.none()

    def write(self, what=NOTHING, nth=0, error=0, option=0, cut=0, length=0,
              option_error=0):
        self.page[:LAYOUT.size] = LAYOUT.pack(
            what, nth, error, 0, option, cut, length, option_error,
            *self.clocks)

    def none(self):
        """Nothing goes wrong any more; how often what was to could have."""
        count = LAYOUT.unpack(self.page[:LAYOUT.size])[3]
        self.write()
        return count

    def live(self):
        """How many allocations it has that it has not freed."""
        self.idle()
        return struct.unpack_from("=q", self.page, LAYOUT.size)[0]

    def idle(self):
        """Wait until the daemon has nothing left to do: whichever call fails
        from now on belongs to what it is asked next."""
        self.idle_or_ended()
        check(self.daemon.alive(), "the daemon has ended")

    def idle_or_ended(self):
        calls = EPOLL[os.uname().machine]
        end = time.monotonic() + harness.START_LIMIT
        while harness.read_file("/proc/%d/syscall" % self.daemon.pid).decode(
                ).split()[0] not in calls and self.daemon.alive():
            check(time.monotonic() < end, "the daemon is never idle")

    def fail(self, what, nth, error):
        self.idle()
        self.write(what, nth, error)

    def fails(self, option, error):
        """From now on getsockopt() of that option."""
        self.write(option=option, option_error=error)

    def cuts(self, option, length):
        """It tells that many bytes only, and calls it a success."""
        self.write(option=option, cut=1, length=length)

    def set_clocks(self, real=0, boot=0):
        """Seconds that they are ahead."""
        self.clocks = (real * SECOND, boot * SECOND)
        self.write()


def can_be(t):
    """The sanitizer has a malloc of its own, and must be loaded first."""
    if t.has_sanitizer():
        show("built with a sanitizer: nothing is preloaded, not tried")
        return False
    return True
