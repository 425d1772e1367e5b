"""Cgroups (version 2) of a test's own, and who is in which."""
import os


def root():
    """Where one can be made, or None."""
    for path in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        if os.path.exists(path + "/cgroup.controllers") and \
                os.access(path, os.W_OK):
            return path
    return None


def make(t, name, uid=None):
    """The directory of "/a/b", which goes with the test; it is the uid's."""
    at = root()
    for part in name.strip("/").split("/"):
        at += "/" + part
        if not os.path.exists(at):
            os.mkdir(at)
            t.undo.append(lambda at=at: os.path.exists(at) and os.rmdir(at))
    if uid is not None:
        os.chown(at, uid, uid)
    return at


def enter(path, pid=0):
    """Put a process, or this one, into it."""
    with open(path + "/cgroup.procs", "w") as f:
        f.write("%d" % pid)


def of(pid="self"):
    with open("/proc/%s/cgroup" % pid) as f:
        for line in f:
            if line.startswith("0::"):
                return line[3:].strip()
    return "/"
