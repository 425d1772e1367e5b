"""All that a vault tells its owner, as one value that can be compared, and a
state directory that is kept and put back."""
import os
import shutil
import stat

import cofre_wire as wire
from expect import status

# What is made anew each time.  What was there before keeps its value.
VOLATILE = ("created", "updated", "expires", "until", "ended", "run", "salt",
            "public", "checked", "before", "after")
NOBODY = 46500          # has what a copy has made root's
# What runs have read is told by the log, and other tests are about that; a
# serial that was not given away may be left out later.
LEFT_OUT = ("reads", "next_serial")


def ask(c, calls):
    """The fields of each answer, or the name of its status."""
    return [None if r is None else r.fields if r.ok else r.status_name
            for r in c.pipeline(calls)]


def listed(c, op, key, more, **values):
    """All items of a list that is told in parts."""
    found, after = [], values.pop("after")
    while True:
        r = c.call(op, after=after, **values)
        if not r.ok:
            return r.status_name
        found += r.fields[key]
        if not r.fields[more]:
            return found
        after = r.fields[more] if more == "next" else found[-1]["name"]


def secrets(c, workspace):
    items = [i for deleted in (0, 1)
             for i in listed(c, "secret.list", "items", "next", after=0,
                             workspace=workspace, deleted=deleted)]
    names = [i["name"] for i in items]
    at = [dict(workspace=workspace, name=n) for n in names]
    shown = ask(c, [("secret.show", a) for a in at])
    versions = ask(c, [("secret.versions", a) for a in at])
    which = [(a, v["version"]) for a, vs in zip(at, versions)
             if isinstance(vs, dict) for v in vs["items"]]
    values = ask(c, [("secret.get", dict(a, version=v)) for a, v in which])
    return dict(items=items, shown=shown, versions=versions,
                values=list(zip(which, values)))


def workspace(c, name):
    one = dict(workspace=name)
    calls = [(op, one) for op in (
        "workspace.show", "grant.list", "identity.show", "ca.show",
        "ca.krl", "run.list", "target.list")]
    told = dict(zip([op for op, _ in calls], ask(c, calls)))
    krl = told["ca.krl"]
    if isinstance(krl, dict):       # its version and its date are of now
        krl["krl"] = krl["krl"][:12] + krl["krl"][28:]
    told["secrets"] = secrets(c, name)
    told["targets"] = ask(c, [("target.show", dict(one, name=i["name"]))
                              for i in told["target.list"]["items"]])
    told["runs"] = ask(c, [("run.show", dict(one, run=i["run"]))
                           for i in told["run.list"]["items"]])
    told["resync"] = listed(c, "resync.list", "items", "next", after=0,
                            workspace=name)
    return told


def whole(c):
    """All of the vault: what an operator who owns every workspace sees."""
    state = c.state()
    told = dict(state=state)
    if state == wire.EMPTY:
        return told
    told["slots"] = status(c.call("slot.list"), "OK").fields
    if state != wire.OPEN:
        return told
    told["grants"], told["roles"] = ask(
        c, [(op, dict(workspace="")) for op in ("grant.list", "role.list")])
    told["role"] = ask(c, [("role.show", dict(workspace="", name=i["name"]))
                           for i in told["roles"]["items"]])
    live, gone = (status(c.call("workspace.list", deleted=d), "OK").fields
                  for d in (0, 1))
    told.update(live=live, gone=gone)
    told["workspaces"] = {i["name"]: workspace(c, i["name"])
                          for i in live["items"]}
    return told


def known(value, found=None):
    """{name: values} of all that is volatile in it."""
    found = {} if found is None else found
    if isinstance(value, dict):
        for k, v in value.items():
            if k in VOLATILE and not isinstance(v, (dict, list)):
                found.setdefault(k, set()).add(v)
            known(v, found)
    elif isinstance(value, (list, tuple)):
        for v in value:
            known(v, found)
    return found


def plain(value, old):
    """The same, with "new" in place of what is volatile and was not there
    before: old is known() of that."""
    if isinstance(value, dict):
        return {k: "new" if k in VOLATILE and
                not isinstance(v, (dict, list)) and
                v not in old.get(k, ()) else plain(v, old)
                for k, v in value.items() if k not in LEFT_OUT}
    if isinstance(value, (list, tuple)):
        told = [plain(v, old) for v in value]
        if told and all(isinstance(v, dict) and "run" in v for v in told):
            told.sort(key=repr)     # they come in the order of their ids
        return told
    return value


def without_runs(value):
    """The same, but for the runs and what follows from them."""
    if isinstance(value, dict):
        return {k: without_runs(v) for k, v in value.items()
                if k not in ("run.list", "runs", "ca.krl", "holders")}
    if isinstance(value, list):
        return [without_runs(v) for v in value]
    return value


def difference(a, b, at=""):
    """The first place at which they are not the same, for a message."""
    if type(a) is not type(b) or not isinstance(a, (dict, list)):
        return None if a == b else "%s: %.200r, not %.200r" % (at, a, b)
    if isinstance(a, list):
        if len(a) != len(b):
            return "%s: %d items, not %d" % (at, len(a), len(b))
        pairs = [("%d" % i, x, y) for i, (x, y) in enumerate(zip(a, b))]
    else:
        if a.keys() != b.keys():
            return "%s: %r" % (at, sorted(map(str, a.keys() ^ b.keys())))
        pairs = [(str(k), a[k], b[k]) for k in a]
    return next((d for d in (difference(x, y, at + "/" + k)
                             for k, x, y in pairs) if d), None)


class Image:
    """A state directory in memory: its files, without their holes."""

    def __init__(self, directory):
        self.files, self.directories = {}, []
        self.owner = os.stat(directory).st_uid or NOBODY
        for base, names, files in os.walk(directory):
            self.directories += [os.path.relpath(os.path.join(base, n),
                                                 directory) for n in names]
            for name in files:
                path = os.path.join(base, name)
                if stat.S_ISREG(os.lstat(path).st_mode):
                    self.files[os.path.relpath(path, directory)] = \
                        self.read(path)

    @staticmethod
    def read(path):
        with open(path, "rb") as f:
            size, at, parts = os.fstat(f.fileno()).st_size, 0, []
            while at < size:
                try:
                    at = os.lseek(f.fileno(), at, os.SEEK_DATA)
                except OSError:
                    break       # nothing but a hole is left
                end = os.lseek(f.fileno(), at, os.SEEK_HOLE)
                parts.append((at, os.pread(f.fileno(), end - at, at)))
                at = end
        return size, parts

    def put_back(self, directory):
        shutil.rmtree(directory, ignore_errors=True)
        for name in [""] + self.directories:
            path = os.path.join(directory, name)
            os.mkdir(path, 0o700)
            os.chown(path, self.owner, self.owner)
        for name, (size, parts) in self.files.items():
            fd = os.open(os.path.join(directory, name),
                         os.O_WRONLY | os.O_CREAT, 0o600)
            for at, data in parts:
                os.pwrite(fd, data, at)
            os.ftruncate(fd, size)
            os.fchown(fd, self.owner, self.owner)
            os.close(fd)
