#!/usr/bin/env python3
"""Bytes that are no protocol: each gets a status or a closed connection, and
a record with who sent it; nothing changes; and somebody else is served all
the while.

Every kind of nonsense comes from a uid of its own, so that its records can
be counted.  The random part prints its seed; COFRE_TEST_SEED takes it back.
"""
import itertools
import struct
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status
from people import Bystander

VALUE = dict(value=b"a value of somebody else")
NOISE = 1 << 16     # request ids of the requests that must work
ONE_BY_ONE = 450    # of a uid's refused requests are recorded so


class Scene:
    """The daemon, an owner's requests, and how many records there are."""

    def __init__(self, t):
        self.t, self.d = t, t.daemon()
        self.root = self.d.init()
        status(self.root.call("workspace.create", workspace="w"), "OK")
        status(self.root.put("w", "n", VALUE), "OK")
        self.uids = itertools.count(43001)

    def agent(self, role=wire.OWNER):
        """Somebody new, who may do everything in the workspace."""
        a = self.t.agent(next(self.uids))
        status(self.root.call("grant.add", workspace="w", id=a.uid,
                              principal=wire.USER, role=role), "OK")
        self.mark = self.root.log_end()
        self.epoch = self.root.report()["epoch"]
        return a

    def unchanged(self, what):
        same(self.root.report()["epoch"], self.epoch, what + ": epoch")

    def records(self, a):
        """[(type, status, detail, op)] of that uid since its agent()."""
        return [(e["type"], wire.STATUS_NAME[e["status"]],
                 e["detail"].decode(), e["op"])
                for e in self.root.events(start=self.mark)
                if e["uid"] == a.uid and e["type"] != wire.CONNECTION]

    def notes(self, a, st, detail):
        return sum(r[:3] == (wire.NOTE, st, detail) for r in self.records(a))


def owners_requests():
    """A valid frame of every operation."""
    v = dict(workspace="w", name="n", uid=43999, principal=wire.USER,
             id=43999, role=wire.READER, key=b"q" * 32, type=wire.KEYFILE)
    found = {}
    for op in wire.OPERATIONS:
        use = dict(v)
        if op == "secret.put":
            use.update(type=0, fields=wire.fields(value=b"0123456789"))
        found[op] = wire.request(op, 7, **use)
    return found


# --- half frames ------------------------------------------------------------

def send_and_end(path, data, greet=True):
    """Send, end the sending side, and take what comes."""
    c = wire.Connection(path, greet=greet)
    if data:
        c.send_raw(data)
    c.half_close()
    replies = c.receive_all()
    c.close()
    return [r.status_name for r in replies]


def send_prefixes(path, cuts):
    wrong = []
    for name, data, greet, n in cuts:
        got = send_and_end(path, data[:n], greet)
        if got != ["BAD_FRAME"]:
            wrong.append((name, n, got))
    return wrong


def half_frames(s):
    """Every beginning of every request, and then the end."""
    a = s.agent()
    cuts = [(op, data, op != "hello", n)
            for op, data in owners_requests().items()
            for n in range(1, len(data))]
    large = wire.request("secret.put", workspace="w", name="large",
                         fields=wire.fields(value=bytes(60000)))
    cuts += [("a large put", large, True, n) for n in
             list(range(4050, 4110)) + list(range(1, len(large), 7919)) +
             [len(large) - 1]]
    same(a.do(send_prefixes, s.d.socket, cuts), [], "answers to half frames")
    s.unchanged("half frames")
    same(s.notes(a, "BAD_FRAME", "half a frame"), len(cuts),
         "records of half frames")
    same(a.do(send_and_end, s.d.socket, b""), [], "an end without a frame")
    same(a.do(send_and_end, s.d.socket, wire.request(
        "secret.get", 1, workspace="w", name="n")), ["OK"],
        "the end behind a whole frame")
    show("%d half frames: a status each, a record each" % len(cuts))


# --- lengths ----------------------------------------------------------------

LENGTHS = [0, 1, 6, 7, wire.LENGTH_MAX + 1, 2 * wire.LENGTH_MAX,
           2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1]


def send_lengths(path):
    seen = []
    for greet in (True, False):
        for length in LENGTHS:
            c = wire.Connection(path, greet=greet)
            c.send_raw(struct.pack(">I", length) + bytes(64))
            seen.append((length, [r.status_name for r in c.receive_all()]))
            c.close()
    return seen


def send_longest(path):
    """A frame of exactly the greatest length: read whole, and answered."""
    c = wire.Connection(path)
    op = wire.OPERATIONS["secret.get"][0]
    c.send_raw(wire.frame(op, bytes(wire.LENGTH_MAX - 8), 1))
    status(c.receive(), "INVALID", "the longest frame, of empty names")
    status(c.get("w", "n"), "OK", "the request behind the longest frame")
    c.send_raw(wire.frame(wire.OPERATIONS["status"][0], b"", 9))
    same(c.receive().id, 9, "the shortest frame")


def lengths(s):
    a = s.agent()
    before = s.d.rss()
    for length, got in a.do(send_lengths, s.d.socket):
        same(got, ["BAD_FRAME"], "a frame of length %d" % length)
    same(s.notes(a, "BAD_FRAME", "frame length"), 2 * len(LENGTHS),
         "records of lengths")
    a.do(send_longest, s.d.socket)
    grown = s.d.rss() - before
    check(grown < 1024, "%d KiB more for what a length says" % grown)
    s.unchanged("lengths")
    show("lengths %s: refused before memory is taken (%d KiB)" %
         (LENGTHS, grown))


# --- headers and bodies -----------------------------------------------------

def send_each(path, frames, greet=True):
    """Each on a connection of its own, and a good request behind it."""
    seen = []
    good = wire.request("status", NOISE)
    for data in frames:
        c = wire.Connection(path, greet=greet)
        try:
            c.send_raw(data + good)
        except BrokenPipeError:
            pass
        c.half_close()
        seen.append([(r.status_name, r.op, r.id) for r in c.receive_all()])
        c.close()
    return seen


def headers(s):
    a = s.agent()
    st = wire.OPERATIONS["status"][0]
    versions = [0, 2, 3, 127, 128, 255]
    kinds = [1, 2, 127, 255]
    frames = [wire.frame(st, version=v) for v in versions]
    for got in a.do(send_each, s.d.socket, frames):
        same(got, [("BAD_VERSION", 0, 0)], "a wrong version")
    frames = [wire.frame(st, kind=k) for k in kinds]
    for got in a.do(send_each, s.d.socket, frames):
        same(got, [("BAD_FRAME", 0, 0)], "a reply, not a request")
    early = list(owners_requests().values())[1:]    # all but hello
    for got in a.do(send_each, s.d.socket, early, False):
        same(got, [("BAD_FRAME", 0, 0)], "a request before hello")
    same((s.notes(a, "BAD_VERSION", "frame version"),
          s.notes(a, "BAD_FRAME", "not a request"),
          s.notes(a, "BAD_FRAME", "no hello")),
         (len(versions), len(kinds), len(early)), "records of headers")
    s.unchanged("headers")
    show("wrong versions, replies, requests before hello: closed, recorded")


def send_unknown(path, codes):
    c = wire.Connection(path)
    c.send_raw(b"".join(wire.frame(op, b"junk", op + 1) for op in codes))
    for op in codes:
        r = c.receive()
        same((r.status_name, r.op, r.id), ("UNKNOWN_OPERATION", op, op + 1),
             "an unknown operation")
    status(c.get("w", "n"), "OK", "after unknown operations")


def unknown(s):
    known = {row[0] for row in wire.OPERATIONS.values()}
    codes = [n for n in list(range(2048)) + [32767, 32768, 65535]
             if n not in known]
    for i in range(0, len(codes), ONE_BY_ONE):
        a, some = s.agent(), codes[i:i + ONE_BY_ONE]
        a.do(send_unknown, s.d.socket, some)
        got = [r for r in s.records(a) if r[1] == "UNKNOWN_OPERATION"]
        same(sorted(r[3] for r in got), some, "records of operations")
        s.unchanged("unknown operations")
    show("%d unknown operations in one write: a status each, in order; the "
         "connection goes on" % len(codes))


def send_bodies(path, bodies, served="w"):
    c = wire.Connection(path)
    seen = []
    for op, body in bodies:
        c.send_raw(wire.frame(wire.OPERATIONS[op][0], body, 5))
        r = c.receive()
        seen.append("CLOSED" if r is None else r.status_name)
    if served is not None:
        status(c.get(served, "n"), "OK", "after bodies that can't be decoded")
    return seen


def bodies(s):
    """Whole frames whose body is one byte short, or one too long."""
    a = s.agent()
    mine = {op: data[wire.HEADER:] for op, data in owners_requests().items()
            if not op.startswith(("vault.", "slot.", "role.put", "role.del"))}
    long = [(op, body + b"\0") for op, body in mine.items()]
    short = [(op, body[:-1]) for op, body in mine.items() if body]
    for (op, _), got in zip(long, a.do(send_bodies, s.d.socket, long)):
        same(got, "BAD_FRAME", op + " with a byte too many")
    for (op, _), got in zip(short, a.do(send_bodies, s.d.socket, short)):
        check(got in ("BAD_FRAME", "DENIED", "INVALID"),
              op + " with a byte missing: " + got)
    s.unchanged("bodies")
    strange = [("secret.list", wire.put_string("w") + bytes(8) + b"\2"),
               ("secret.put", wire.put_string("w") + wire.put_string("n") +
                b"\4\0" + bytes(8) + b"\xff" * 4 + struct.pack(">I", 65) +
                wire.put_string(b"")),
               ("secret.get", wire.put_string("w" * 64) + bytes(12)),
               ("secret.get", wire.put_string("w") +
                wire.put_string("n" * 128) + bytes(8))]
    for (op, _), got in zip(strange, a.do(send_bodies, s.d.socket, strange)):
        same(got, "BAD_FRAME", op + " over a limit")
    recorded = [r for r in s.records(a) if r[0] == wire.REQUESTED and
                r[1] == "BAD_FRAME"]
    check(len(recorded) >= len(mine), "records of bodies: %d" %
          len(recorded))
    show("%d bodies that are cut, too long or over a limit: refused, "
         "recorded" % (len(long) + len(short) + len(strange)))


def operators_bodies(t):
    """Those of who may do everything, also with what is deleted: a byte too
    many is no operation."""
    d = t.daemon()
    frames = owners_requests()

    def refused(op, **values):
        body = wire.request(op, 7, **values)[wire.HEADER:] if values else \
            frames[op][wire.HEADER:]
        got, = send_bodies(d.socket, [(op, body + b"\0")], None)
        same(got, "BAD_FRAME", op + " with a byte too many")

    refused("vault.init")
    c = d.init()
    for op in ("workspace.create", "workspace.delete"):
        status(c.call(op, workspace="gone"), "OK", op)
    epoch = c.report()["epoch"]
    for op in ("workspace.undelete", "workspace.purge"):
        refused(op, workspace="gone")
    several = ("hello", "status", "vault.report", "vault.unlock",
               "vault.lock", "slot.list", "slot.add", "slot.remove",
               "role.put", "role.delete", "workspace.create")
    for op in several:
        refused(op)
    same(c.report()["epoch"], epoch, "epoch after bodies of an operator")
    show("%d bodies of an operator that are too long: refused, nothing is "
         "changed" % (3 + len(several)))


NAMES = ["", ".", "..", "a/../b", "a//b", "/a", "-a", "_a", " a", "a ", "a\n",
         "a\0b", "a\0", "\u202ea", "\ufeffa", "\u00e9", "e\u0301", "\uff0f",
         "Root\u0430", b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", "a:b",
         "a*", "a b", "a\x1b[31m"]


def send_names(path):
    c = wire.Connection(path)
    for name in NAMES:
        for op, v in (("secret.put", dict(fields=wire.fields(value=b"x"))),
                      ("secret.get", {}), ("secret.delete", {})):
            status(c.call(op, workspace="w", name=name, **v), "INVALID",
                   "%s with the name %r" % (op, name))
            if name != "":
                status(c.call(op, workspace=name, name="n", **v), "INVALID",
                       "%s in the workspace %r" % (op, name))
    for name in ("W", "w.x", "Root", "ROOT"):
        status(c.get(name, "n"), "INVALID", "a workspace %r" % name)
    for name in ("n" * 127, "N", "N.n_n-0", "0"):
        status(c.put("w", name, VALUE), "OK", "a secret's name %r" % name)
    bad = [[dict(name="", flags=1, value=b"")],
           [dict(name="0a", flags=1, value=b"")],
           [dict(name="value", flags=2, value=b"")],
           [dict(name="value", flags=0, value=b"x")],
           wire.fields(a=b"1") + wire.fields(a=b"2")]
    for f in bad:
        status(c.call("secret.put", workspace="w", name="n", fields=f),
               "INVALID", "fields %r" % f)


def names(s):
    a = s.agent()
    a.do(send_names, s.d.socket)
    status(s.root.call("workspace.create", workspace="w" * 63), "OK")
    for name in NAMES + ["W", "wS", "w.s"]:
        status(s.root.call("workspace.create", workspace=name), "INVALID")
    listed = {i["name"] for i in s.root.call("workspace.list")
              .fields["items"]}
    same(listed, {b"w", b"w" * 63}, "workspaces")
    show("%d names outside the grammar: refused, never folded" % len(NAMES))


# --- hello ------------------------------------------------------------------

def send_hellos(path):
    for low, high, good in ((0, 0, False), (2, 2, False), (2, 9, False),
                            (2, 1, False), (2, 0, False),
                            (0xffffffff, 0xffffffff, False), (0, 1, True),
                            (0, 9, True), (1, 0xffffffff, True)):
        c = wire.Connection(path, greet=False)
        r = c.call("hello", min_version=low, max_version=high)
        status(r, "OK" if good else "BAD_VERSION", "versions %d to %d" %
               (low, high))
        if good:
            same(r.fields["version"], 1, "the version that is chosen")
            status(c.get("w", "n"), "OK", "after hello")
        else:
            c.send("status")
            status(c.receive(), "BAD_FRAME", "after a hello that failed")
            same(c.receive(), None, "after that")
    c = wire.Connection(path)
    status(c.call("hello", client="x" * 64), "OK", "a second hello")
    status(c.call("hello", client="x" * 65), "BAD_FRAME", "too long a name")


def hellos(s):
    a = s.agent()
    a.do(send_hellos, s.d.socket)
    got = s.records(a)
    same(sum(r[1] == "BAD_VERSION" for r in got), 6, "records of versions")
    show("hello: versions out of range are told, nothing works then")


# --- pieces, and many at once -----------------------------------------------

def stream():
    """hello and requests, as one write would have them."""
    ask = dict(workspace="w", name="n")
    parts = [wire.hello(0), wire.request("status", 1),
             wire.request("secret.get", 2, **ask),
             wire.request("secret.list", 3, workspace="w"),
             wire.request("secret.get", 4, workspace="w", name="none"),
             wire.request("secret.show", 5, **ask)]
    return b"".join(parts), len(parts)


def send_split(path):
    """The same requests cut in two at every byte.  A call on another
    connection lies between, so the daemon has read the first part."""
    data, count = stream()
    other = wire.Connection(path)
    c = wire.Connection(path, greet=False)
    c.send_raw(data)
    want = [c.receive().data for _ in range(count)]
    for i in range(1, len(data)):
        c = wire.Connection(path, greet=False)
        c.send_raw(data[:i])
        other.state()
        c.send_raw(data[i:])
        got = [c.receive().data for _ in range(count)]
        same(got, want, "replies when the requests are cut at %d" % i)
        c.close()
    c = wire.Connection(path, greet=False)
    for i in range(len(data)):
        c.send_raw(data[i:i + 1])
        if i % 3 == 0:
            other.state()
    same([c.receive().data for _ in range(count)], want, "byte by byte")
    return len(data)


def send_many(path):
    """1,000 requests in one write, of five kinds."""
    c = wire.Connection(path)
    kinds = [("secret.get", dict(workspace="w", name="n"), "OK"),
             ("status", {}, "OK"),
             ("secret.get", dict(workspace="w", name="none"), "NOT_FOUND"),
             ("vault.report", {}, "DENIED"),
             ("secret.list", dict(workspace="w"), "OK")]
    chosen = [kinds[i % len(kinds)] for i in range(1000)]
    c.send_raw(b"".join(wire.request(op, 100 + i, **v)
                        for i, (op, v, _) in enumerate(chosen)))
    for i, (op, _, want) in enumerate(chosen):
        r = c.receive()
        same((r.name, r.id, r.status_name), (op, 100 + i, want),
             "the answer to request %d of 1,000" % i)


def pieces(s):
    n = s.agent().do(send_split, s.d.socket)
    show("hello and requests in one write, cut at each of %d bytes: the "
         "same replies" % n)
    s.agent().do(send_many, s.d.socket)
    s.unchanged("pieces")
    show("1,000 requests in one write: 1,000 replies, in order")


# --- random -----------------------------------------------------------------

def send_random(path, cases):
    for data in cases:
        c = wire.Connection(path)
        try:
            c.send_raw(data)
            c.half_close()
            c.receive_all()
        except OSError:
            pass
        c.close()


def mutate(r, frame):
    data = bytearray(frame)
    for _ in range(r.choice((1, 1, 2, 8))):
        data[r.randrange(len(data))] = r.choice((0, 1, 0x7f, 0x80, 0xff,
                                                 r.randrange(256)))
    return bytes(data)


def random_bytes(s, r):
    """As a reader, so that what happens to be valid can't change much."""
    a = s.agent(wire.READER)
    frames = list(owners_requests().values())
    cases = [r.randbytes(r.randrange(1, 300)) for _ in range(300)]
    cases += [mutate(r, r.choice(frames)) for _ in range(1200)]
    cases += [b"".join(mutate(r, r.choice(frames)) for _ in range(20))
              for _ in range(30)]
    a.do(send_random, s.d.socket, cases)
    s.unchanged("random bytes")


def test(t):
    harness.need_root()
    r = harness.seed()
    s = Scene(t)
    other = s.agent()
    with Bystander(other, s.d, "w", "n", VALUE) as b:
        for part in (half_frames, lengths, headers, unknown, bodies, names,
                     hellos, pieces):
            part(s)
        random_bytes(s, r)
    show("1,530 random and mutated streams; meanwhile somebody else fetched "
         "%d times, and waited %.0f ms at most" % (b.count, b.longest * 1e3))
    for agent in t.agents:
        agent.end()
    s.root.barrier()
    same(s.root.report()["connections"].split()[0], "1", "connections left")
    s.d.stop()
    operators_bodies(t)


harness.main(test, limit=120)
