"""Every operation that changes something, in a vault where it does."""
import os
import re
import time

import cofre_wire as wire
import harness
import sshagent
import states
from expect import check, status

SOMEBODY = 46001
HOST_KEY = sshagent.Key(b"h").blob
CELLS = (64 << 10) // 128 - 1   # of a segment, behind its header
ENTRY = 2 * 5                   # cells that one request may take
YEAR = 365 * 86400


def lab(name=None, **more):
    return dict(dict(workspace="lab"), **more,
                **({} if name is None else dict(name=name)))


GRANT = lab(principal=wire.USER, id=SOMEBODY, role="reader")
BINDING = lab(uid=SOMEBODY, gid=wire.NO_ID)
SETTINGS = dict(host="a.example", port=2200, user="other")
SLOT = dict(type=wire.KEYFILE, key=b"t" * 32)
RUN = lab(target=wire.TOKEN_ONLY, token=1, uid=SOMEBODY, lifetime=7200,
          secrets=[dict(name="n1"), dict(name="n2")])
ROLE = dict(name="made", **wire.role(["*/read"], scopes=[("lab", "")]))


class Verb:
    """A request, and what must have been done before.

    setup(c)    changes the vault so that there is something to do: once
    prepare(d, c)   what the connection needs, each time; its result is
                taken into the request's fields
    base        "full", "empty" (no vault yet) or "locked" (no keyfile)
    late        what it does is gone after a restart
    segment     it may make a new segment of the log
    again       it does the same once more after it was kept from it"""

    def __init__(self, op, values=None, name=None, setup=None, prepare=None,
                 base="full", late=False, segment=False, again=True):
        self.op, self.values = op, values or {}
        self.name = name or op
        self.setup, self.prepare = setup, prepare
        self.base, self.late, self.segment = base, late, segment
        self.again = again


def ok(op, **values):
    """A setup of one request."""
    return lambda c: status(c.call(op, **values), "OK", op)


def both(*setups):
    def run(c):
        for s in setups:
            s(c)
    return run


def one_run(d, c):
    """The run that the vault has."""
    return dict(run=next(i["run"] for i in status(
        c.call("run.list", **lab()), "OK").fields["items"]
        if i["state"] == wire.ACTIVE))


def resync(stage):
    """A resync that is under way, with answers."""
    def run(d, c):
        status(c.call("resync.begin", **lab()), "OK")
        origins = c.origins("lab")
        for name in ("n3", "n4"):
            v = dict(lab(name), origin=origins[name], version=2,
                     outcome=wire.VALUE,
                     fields=wire.fields(value="from upstream"))
            if name == "n4" and stage:
                return v
            status(c.call("resync.stage", **v), "OK")
        return {}
    return run


def sources(c):
    for name in ("n3", "n4"):
        status(c.call("secret.source", **lab(name), source="file"), "OK")


def certified(c):
    status(c.call("ca.user", **lab("cluster")), "OK")


def fill_log(left):
    """Read until the segment has so many cells left for the next request but
    one: each request finds out before it is done whether it has room."""
    def run(d, c):
        for _ in range(3 * CELLS):
            first = max(int(n.split(".")[0], 16) for n in os.listdir(
                d.state_dir + "/activity") if n.endswith(".log"))
            now = first + CELLS - c.log_end()
            if now == left:
                return {}
            if now > left + 20 * ENTRY + 20:
                c.pipeline([("secret.show", lab("n1"))] * 20)
        check(False, "the segment of the log does not get full")
    return run


def grown(c):
    """The store is near the end of its map, with nothing in it."""
    status(c.call("workspace.create", workspace="ballast"), "OK")
    for i in range(0, 180, 20):
        c.pipeline([("secret.put", dict(
            workspace="ballast", name="b%d" % (i + j), kind=wire.GENERIC,
            fields=wire.fields(value=b"b" * 60000))) for j in range(20)])
    for op in ("workspace.delete", "workspace.purge"):
        status(c.call(op, workspace="ballast"), "OK")


VERBS = [
    Verb("vault.init", dict(type=wire.KEYFILE), base="empty"),
    Verb("vault.unlock", {}, base="locked", late=True),
    Verb("vault.lock", late=True),
    Verb("slot.add", SLOT),
    Verb("slot.remove", dict(slot=2)),
    Verb("workspace.create", dict(workspace="made")),
    Verb("workspace.delete", lab()),
    Verb("workspace.undelete", dict(workspace="other"),
         setup=ok("workspace.delete", workspace="other")),
    Verb("workspace.purge", lab(), setup=ok("workspace.delete", **lab())),
    Verb("identity.bind", BINDING),
    Verb("identity.unbind", BINDING, setup=ok("identity.bind", **BINDING)),
    Verb("identity.revoke", lab()),
    Verb("identity.repair", lab(), setup=ok("identity.revoke", **lab())),
    Verb("grant.add", GRANT),
    Verb("grant.remove", GRANT, setup=ok("grant.add", **GRANT)),
    Verb("role.put", ROLE),
    Verb("role.put", dict(ROLE, name="pulls"), name="role.put, newer"),
    Verb("role.delete", dict(name="made"), setup=ok("role.put", **ROLE)),
    Verb("secret.put", lab("made", fields=wire.fields(value="made"))),
    Verb("secret.put", lab("n1", fields=wire.fields(value="newer" * 20)),
         name="secret.put, newer"),
    Verb("secret.put", lab("big", fields=wire.fields(value="g" * 60000)),
         name="secret.put, large"),
    Verb("secret.put", lab("big", fields=wire.fields(value="g" * 60000)),
         name="secret.put, grows", setup=grown, again=False),
    Verb("secret.get", lab("n1")),
    Verb("secret.delete", lab("n1")),
    Verb("secret.undelete", lab("n1"), setup=ok("secret.delete",
                                                **lab("n1"))),
    Verb("secret.purge", lab("n1"), setup=ok("secret.delete", **lab("n1"))),
    Verb("secret.source", lab("n1", source="file")),
    Verb("secret.stale", lab("n1", version=3)),
    Verb("run.start", RUN),
    Verb("run.end", lab(), prepare=one_run),
    Verb("run.renew", lab(lifetime=9000), prepare=one_run),
    Verb("resync.begin", lab(), late=True),
    Verb("resync.stage", {}, setup=sources, prepare=resync(True), late=True),
    Verb("resync.commit", lab(grace=60, repair=1),
         setup=both(sources, ok("identity.revoke", **lab())),
         prepare=resync(False)),
    Verb("target.create", lab("made", **SETTINGS)),
    Verb("target.rotate", lab("second")),
    Verb("target.settle", lab("cluster", version=2)),
    Verb("target.pin", lab("cluster", pins=[dict(key=HOST_KEY)])),
    Verb("target.set", lab("cluster", **SETTINGS)),
    Verb("target.delete", lab("cluster")),
    Verb("ca.user", lab("cluster")),
    Verb("ca.host", lab("cluster", key=HOST_KEY,
                        hosts=[dict(host="cluster.example")]),
         setup=ok("target.pin", **lab("cluster",
                                      pins=[dict(key=HOST_KEY)]))),
    Verb("ca.revoke", lab(serial=1, until=int(time.time() + YEAR) * 10 ** 6),
         setup=certified),
    Verb("secret.get", lab("n1"), name="secret.get, next segment",
         prepare=fill_log(CELLS // 4 + 1), segment=True),
    Verb("grant.add", GRANT, name="grant.add, new segment",
         prepare=fill_log(ENTRY), segment=True),
    Verb("secret.put", lab("made", fields=wire.fields(value="made")),
         name="secret.put, new segment", prepare=fill_log(ENTRY),
         segment=True),
]


def missing():
    """Operations of ops.def that write, and are none of them."""
    path = os.path.join(harness.HERE, "../../src/common/ops.def")
    rows = re.findall(r'^OP\(\d+, \w+, \w+, "([^"]+)",([^()]*)\)',
                      harness.read_file(path).decode(), re.M)
    check(len(rows) > 60, "ops.def is not what it was")
    return sorted({name for name, more in rows if "OPF_WRITE" in more} -
                  {v.op for v in VERBS})


class Base:
    """The directories that they begin with, and the key to them."""

    def __init__(self, t):
        self.states = states.States(t)
        self.keyfile = self.states.key
        self.key = harness.slot_key(harness.read_file(self.keyfile))
        self.values = [v for fields in self.states.values.values()
                       for v in fields.values() if len(v) > 6]
