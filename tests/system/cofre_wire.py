"""A second implementation of cofre's protocol, in Python.

It is written from doc/PROTOCOL.md and shares nothing with the C code, so
that a mistake in the codec shows as a difference between the two.  It is
stricter than it need be: a reply with a byte too many is an error.

    c = Connection("/run/cofre/cofre.sock")
    reply = c.call("secret.get", workspace="w", name="n")
    reply.status, reply.fields["version"], reply.fields["fields"]

Nothing keeps a caller from sending what is wrong: send_raw() takes any
bytes, and frame() makes any header.
"""
import itertools
import select
import socket
import struct

VERSION = 1
HEADER = 12
FRAME_MAX = 128 * 1024
LENGTH_MAX = FRAME_MAX - 4      # the greatest length field
LENGTH_MIN = HEADER - 4
ANY_VERSION = 0xffffffff
NO_ID = 0xffffffff
REQUEST, REPLY = 0, 1

STATUS = dict(
    OK=0, DENIED=1, LOCKED=2, UNINITIALIZED=3, NOT_FOUND=4, EXISTS=5,
    INVALID=6, TOO_LARGE=7, WRONG_KEY=8, BUSY=9, CONFLICT=10, LIMIT=11,
    EXPIRED=12, DELETED=13, STORE_FULL=14, STORE_FAILED=15, LOG_FAILED=16,
    CORRUPT=17, ROLLBACK=18, BAD_FRAME=19, UNKNOWN_OPERATION=20,
    BAD_VERSION=21, INTERNAL=22, LAST_SLOT=23, OTHER_PROCESS=24,
    RUN_ENDED=25, NO_PROCESS=26, UNDER_WAY=27, FOLLOWED_GONE=28,
    BLOCKED=29)
STATUS_NAME = {v: k for k, v in STATUS.items()}

EMPTY, LOCKED, OPEN = 0, 1, 2                       # states of the vault
OPERATOR, USER, GROUP, IDENTITY, UNIT = 1, 2, 3, 4, 5     # principals
OWNER, CONTRIBUTOR, READER = "owner", "contributor", "reader"   # roles
AGENT, OFFICER = "agent", "secrets-officer"
ALLOWS, NO_ACTION, OTHER_NAMES = 1, 2, 3            # outcomes of a grant
NO_MATCH, DENY, ALLOW = 1, 2, 3                     # verdicts
KEYFILE, PASSPHRASE = 1, 2                          # slots
STORAGE, REGISTRY, DATASTORE, GENERIC = 1, 2, 3, 4  # kinds
LIVE, DELETED = 1, 2                                # states of a secret
SECRET = 1                                          # flag of a field
SYSTEM, CONNECTION, REQUESTED, NOTE = 1, 2, 3, 4    # types of an event
REPEATED = 256                                      # a flag of one
RUN = 6                                             # as whom it was allowed
TOKEN_ONLY, PROCESS, CGROUP = 0, 1, 2               # targets of a run
ACTIVE, OVER = 1, 2                                 # states of a run
VALUE, FAILED, RETIRED = 1, 2, 3                    # outcomes of a source
UNCHANGED, UPDATED, NOTED = 1, 2, 3                 # what comes of them

# Items of lists, and the operations: code, request, reply.
ITEMS = {
    "field": "str name, u8 flags, str value",
    "slot": "u32 slot, u8 type, u64 ops, u64 mem, str salt, u64 created, "
            "u32 uid",
    "grant": "u8 principal, u32 id, str who, str role, str prefix, "
             "u64 created, u32 uid",
    "group": "u32 gid",
    "pattern": "str pattern",
    "scope": "str workspace, str prefix",
    "role": "str name, bool custom, u32 version, u64 actions, u64 created, "
            "u32 uid, u32 grants",
    "explain": "str scope, u8 principal, u32 id, str who, str role, "
               "u32 role_version, str prefix, u64 created, u32 uid, "
               "u8 outcome",
    "who": "u8 principal, u32 id, str who, str role, str scope, str prefix",
    "binding": "u32 uid, u32 gid, str exe, str sha256, str unit, str cgroup, "
               "u64 created, u32 by",
    "workspace": "str name, u64 created, u32 uid, u64 secrets, u64 deleted, "
                 "u32 grants, u32 bindings",
    "secret": "str name, u8 kind, u8 type, u8 state, u32 version, "
              "u64 created, u64 updated, u64 expires, str follows, "
              "str source, u32 stale",
    "version": "u32 version, u64 created, u64 expires, u32 uid, u64 until, "
               "u8 slot, u32 holders",
    "argument": "str name, str value",
    "resync": "str name, u8 kind, u8 type, u32 version, str source, "
              "argument* arguments, str origin, u8 slot, u64 serial, "
              "u32 stale, u64 checked, str problem, u8 retire, "
              "u32 retire_version, bool due, u64 until, u32 holders",
    "watch": "str name, u32 version, u32 followed",
    "report": "str key, str value, u8 level",
    "event": "u64 cell, u64 time, u8 type, u32 op, u32 status, u32 uid, "
             "u32 gid, u32 pid, str exe, u8 principal, u32 principal_id, "
             "str who, str object, u32 version, str detail, u32 request, "
             "u32 duration, u64 connection, u32 flags, u64 epoch",
    "target_key": "u32 version, u64 created, str public",
    "pin": "str key",
    "namespace": "str namespace",
    "target": "str name, str host, u32 port, str user, bool for_runs, "
              "u64 created, u64 updated, u32 uid, u32 keys, u32 pins, "
              "u32 version, str public",
    "name": "str name",
    "host": "str host",
    "text": "str text",
    "run_secret": "str name, u32 version, u32 reads",
    "run": "str run, u8 state, u8 target, u32 pid, u32 uid, str cgroup, "
           "bool token, str label, str snapshot, u64 created, u64 expires, "
           "u32 by, u32 secrets, u32 reads, u8 why, u64 ended",
}
SETTINGS = "str host, u32 port, str user, bool for_runs, str options"
GRANT = "str workspace, u8 principal, u32 id, str who, str role, str prefix"
LISTS = "pattern* %s, pattern* not_actions, pattern* data_actions, " \
        "pattern* not_data_actions, scope* scopes"
BINDING = ("str workspace, u32 uid, u32 gid, str exe, str sha256, str unit, "
           "str cgroup")
OPERATIONS = {
    "hello": (1, "u32 min_version, u32 max_version, str client",
              "u32 version, str server"),
    "status": (2, "", "u8 state"),
    "vault.report": (3, "", "report* items"),
    "vault.init": (8, "u8 type, u64 ops, u64 mem, str salt, str key",
                   "str vault, u32 slot"),
    "vault.unlock": (9, "u32 slot, str key, bool accept_rollback", ""),
    "vault.lock": (10, "", ""),
    "slot.list": (11, "", "slot* items"),
    "slot.add": (12, "u8 type, u64 ops, u64 mem, str salt, str key",
                 "u32 slot"),
    "slot.remove": (13, "u32 slot", ""),
    "workspace.create": (16, "str workspace", ""),
    "workspace.list": (17, "str after, bool deleted",
                       "workspace* items, bool more"),
    "workspace.show": (18, "str workspace", ITEMS["workspace"]),
    "workspace.delete": (19, "str workspace", ""),
    "workspace.undelete": (20, "str workspace", ""),
    "workspace.purge": (21, "str workspace", ""),
    "identity.bind": (24, BINDING, ""),
    "identity.unbind": (25, BINDING, ""),
    "identity.show": (26, "str workspace", 
                      "binding* items, who* canonical, who* actual"),
    "identity.revoke": (27, "str workspace", "u32 removed"),
    "identity.repair": (28, "str workspace, bool dry_run",
                        "who* restored, who* extra"),
    "grant.add": (32, GRANT, "u32 version"),
    "grant.remove": (33, GRANT, "u32 version"),
    "grant.list": (34, "str workspace", "grant* items, u32 version"),
    "policy.explain": (35, "str workspace, str name, u8 principal, u32 id, "
                       "str who, u32 gid, group* groups, str action",
                       "u8 verdict, explain* items"),
    "policy.who": (36, "str workspace, str name, str action", "who* items"),
    "role.put": (40, "str name, str description, " + LISTS % "actions" +
                 ", u32 if_version", "u32 version"),
    "role.delete": (41, "str name", ""),
    "role.list": (42, "str workspace", "role* items"),
    "role.show": (43, "str workspace, str name, u32 version",
                  ITEMS["role"] + ", str description, " + LISTS % "patterns"),
    "secret.put": (48, "str workspace, str name, u8 kind, u8 type, "
                   "u64 expires, u32 if_version, str follows, field* fields",
                   "u32 version"),
    "secret.get": (49, "str workspace, str name, u32 version, str field",
                   "u8 kind, u8 type, u32 version, u64 created, "
                   "u64 expires, u32 followed, field* fields"),
    "secret.list": (50, "str workspace, u64 after, bool deleted",
                    "secret* items, u64 next"),
    "secret.show": (51, "str workspace, str name",
                    ITEMS["secret"] + ", field* fields"),
    "secret.versions": (52, "str workspace, str name", "version* items"),
    "secret.delete": (53, "str workspace, str name", ""),
    "secret.undelete": (54, "str workspace, str name", ""),
    "secret.purge": (55, "str workspace, str name", ""),
    "secret.source": (56, "str workspace, str name, str source, "
                      "argument* arguments", ""),
    "secret.watch": (57, "str workspace, bool wait, watch* items",
                     "str name, u32 version, u32 followed"),
    "secret.stale": (58, "str workspace, str name, u32 version", ""),
    "activity.read": (64, "str workspace, u64 from, u32 max",
                      "event* items, u64 next, u64 end, u64 bad"),
    "run.start": (72, "str workspace, u8 target, u32 pid, u64 start, "
                  "str cgroup, u32 uid, u32 lifetime, bool token, "
                  "str snapshot, str label, name* secrets",
                  "str run, u64 expires, str token"),
    "run.end": (73, "str workspace, str run", ""),
    "run.renew": (74, "str workspace, str run, u32 lifetime", "u64 expires"),
    "run.list": (75, "str workspace, str after", "run* items, bool more"),
    "run.show": (76, "str workspace, str run",
                 ITEMS["run"] + ", run_secret* items"),
    "run.attach": (77, "str token", "str run, str workspace, u64 expires"),
    "run.scan": (78, "str workspace, u64 after, text* texts",
                 "u64 next, u32 found, str name"),
    "resync.begin": (80, "str workspace, bool dry_run", ""),
    "resync.list": (81, "str workspace, u64 after",
                    "resync* items, u64 next"),
    "resync.stage": (82, "str workspace, str name, u32 version, str origin, "
                     "u8 outcome, u8 slot, u8 retire, u64 serial, "
                     "u64 expires, "
                     "str problem, field* fields",
                     "u8 result, u32 version, str before, str after"),
    "resync.commit": (83, "str workspace, u32 grace, bool repair",
                      "who* restored, who* extra, name* skipped, "
                      "u32 updated, u32 noted, u64 epoch"),
    "target.create": (96, "str workspace, str name, " + SETTINGS +
                      ", namespace* namespaces", "u32 version, str public"),
    "target.list": (97, "str workspace, str after",
                    "target* items, bool more"),
    "target.show": (98, "str workspace, str name",
                    "u32 revision, str host, u32 port, str user, "
                    "bool for_runs, bool for_ca, str options, u64 created, "
                    "u64 updated, u32 uid, target_key* keys, pin* pins, "
                    "namespace* namespaces"),
    "target.rotate": (99, "str workspace, str name, u32 if_version",
                      "u32 version, str public"),
    "target.settle": (100, "str workspace, str name, u32 version", ""),
    "target.pin": (101, "str workspace, str name, u32 if_revision, "
                   "pin* pins", "u32 revision"),
    "target.delete": (102, "str workspace, str name", ""),
    "target.reach": (115, "str workspace, str name",
                     "str host, u32 port, str user, target_key* keys, "
                     "pin* pins"),
    "target.set": (103, "str workspace, str name, u32 if_revision, " +
                   SETTINGS + ", namespace* namespaces", "u32 revision"),
    "ca.show": (104, "str workspace",
                "str public, u64 created, u32 uid, u64 next_serial"),
    "ca.krl": (105, "str workspace", "str krl"),
    "ca.revoke": (106, "str workspace, u64 serial, u64 until", ""),
    "ca.host": (107, "str workspace, str name, str key, host* hosts, "
                "u32 validity", "str certificate, u64 serial, u64 before"),
    "ca.user": (108, "str workspace, str name, u32 validity, str command, "
                "str addresses", "str certificate, u64 serial, u64 before"),
}
CODE_NAME = {row[0]: name for name, row in OPERATIONS.items()}

# What a caller may leave out of a request besides zeros and empty strings.
DEFAULTS = dict(min_version=1, max_version=1, client="test", gid=NO_ID,
                kind=GENERIC, if_version=ANY_VERSION,
                if_revision=ANY_VERSION)
NEEDED = {"workspace", "name", "key", "uid", "principal", "id", "role"}


class WireError(Exception):
    """The bytes are not what the protocol says."""


def layout(text):
    """[(type, name), ...] of a row above."""
    return [tuple(part.split()) for part in text.split(",") if part.strip()]


def put_string(value):
    if isinstance(value, str):
        value = value.encode()
    return struct.pack(">I", len(value)) + value


FORMATS = {"u8": ">B", "u32": ">I", "u64": ">Q", "bool": ">B"}


def encode(text, values):
    out = []
    for kind, name in layout(text):
        value = values[name]
        if kind in FORMATS:
            out.append(struct.pack(FORMATS[kind], value))
        elif kind == "str":
            out.append(put_string(value))
        else:
            items = b"".join(encode(ITEMS[kind[:-1]], v) for v in value)
            out.append(struct.pack(">I", len(value)) + put_string(items))
    return b"".join(out)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if len(self.data) - self.at < n:
            raise WireError("cut off")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, fmt):
        return struct.unpack(fmt, self.take(struct.calcsize(fmt)))[0]

    def string(self):
        return self.take(self.number(">I"))

    def end(self):
        if self.at != len(self.data):
            raise WireError("%d bytes too many" % (len(self.data) - self.at))


def decode_from(reader, text):
    values = {}
    for kind, name in layout(text):
        if kind in FORMATS:
            values[name] = reader.number(FORMATS[kind])
            if kind == "bool" and values[name] > 1:
                raise WireError("a boolean is %d" % values[name])
        elif kind == "str":
            values[name] = reader.string()
        else:
            count = reader.number(">I")
            inner = Reader(reader.string())
            values[name] = [decode_from(inner, ITEMS[kind[:-1]])
                            for _ in range(count)]
            inner.end()
    return values


def decode(text, data):
    reader = Reader(data)
    values = decode_from(reader, text)
    reader.end()
    return values


def frame(op, body=b"", number=1, version=VERSION, kind=REQUEST,
          length=None):
    """A frame with any header; length None is the true one."""
    head = struct.pack(">BBHI", version, kind, op, number)
    if length is None:
        length = len(head) + len(body)
    return struct.pack(">I", length) + head + body


def body_of(op, **values):
    """The body of a request; what is left out has its default."""
    zeros = {name: "" if kind == "str" else [] if kind[-1] == "*" else 0
             for kind, name in layout(OPERATIONS[op][1])
             if name not in NEEDED}
    return encode(OPERATIONS[op][1], {**zeros, **DEFAULTS, **values})


def request(op, number=1, **values):
    return frame(OPERATIONS[op][0], body_of(op, **values), number)


def hello(number=0, **values):
    return request("hello", number, **values)


def role(actions=(), not_actions=(), data=(), not_data=(), scopes=(("", ""),)):
    """The lists of a role.put: of texts, and of (workspace, prefix)."""
    def patterns(texts):
        return [dict(pattern=text) for text in texts]
    return dict(actions=patterns(actions), not_actions=patterns(not_actions),
                data_actions=patterns(data),
                not_data_actions=patterns(not_data),
                scopes=[dict(workspace=w, prefix=p) for w, p in scopes])


def fields(**values):
    """Secret fields from names and values."""
    return [dict(name=k, flags=SECRET, value=v) for k, v in values.items()]


class Reply:
    def __init__(self, data):
        if len(data) < HEADER + 4:
            raise WireError("a reply of %d bytes" % len(data))
        self.data = data
        version, kind, self.op, self.id, self.status = struct.unpack(
            ">BBHII", data[4:HEADER + 4])
        if version != VERSION or kind != REPLY:
            raise WireError("version %d, kind %d" % (version, kind))
        self.body = data[HEADER + 4:]
        self.name = CODE_NAME.get(self.op)
        self.fields = None
        if self.status == 0:
            self.fields = decode(OPERATIONS[self.name][2], self.body)
        elif self.body:
            raise WireError("a status with something behind it")

    @property
    def ok(self):
        return self.status == 0

    @property
    def status_name(self):
        return STATUS_NAME.get(self.status, str(self.status))

    def values(self):
        """{name: value} of the fields of a secret."""
        return {f["name"].decode(): f["value"] for f in self.fields["fields"]}

    def __repr__(self):
        return "<%s #%d %s>" % (self.name or self.op, self.id,
                                self.status_name)


class Connection:
    """One connection; replies are None once the daemon has closed it."""

    def __init__(self, path, greet=True, timeout=30.0):
        self.numbers = itertools.count(1)
        self.buffer = b""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.greeting = None
        if greet:
            self.send_raw(hello())
            self.greeting = self.receive()
            if self.greeting is None or not self.greeting.ok:
                raise WireError("hello: %r" % self.greeting)

    def send_raw(self, data):
        self.socket.sendall(data)

    def fill(self):
        """Read some more; False at the end."""
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return data != b""

    def receive(self):
        while True:
            if len(self.buffer) >= 4:
                size = 4 + struct.unpack(">I", self.buffer[:4])[0]
                if size > FRAME_MAX:
                    raise WireError("a reply of %d bytes" % size)
                if len(self.buffer) >= size:
                    reply = Reply(self.buffer[:size])
                    self.buffer = self.buffer[size:]
                    return reply
            if not self.fill():
                if self.buffer:
                    raise WireError("half a reply")
                return None

    def has_come(self):
        """True when there is something to receive, if only the end."""
        return bool(self.buffer) or \
            bool(select.select([self.socket], [], [], 0)[0])

    def receive_all(self):
        """Every reply up to the end of the connection."""
        return list(iter(self.receive, None))

    def send(self, op, number=None, **values):
        number = next(self.numbers) if number is None else number
        self.send_raw(request(op, number, **values))
        return number

    def call(self, op, number=None, **values):
        number = self.send(op, number, **values)
        reply = self.receive()
        if reply is not None and reply.id != number:
            raise WireError("an answer to %d, not %d" % (reply.id, number))
        return reply

    def pipeline(self, calls):
        """Send all in one write, then take as many replies.

        calls is [(op, values), ...]; None stands for a reply that never
        came."""
        first = next(self.numbers)
        self.numbers = itertools.count(first + len(calls))
        self.send_raw(b"".join(request(op, first + i, **values)
                               for i, (op, values) in enumerate(calls)))
        return [self.receive() for _ in calls]

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    # What tests do often.

    def put(self, workspace, name, values, **more):
        """values: {field: value}, all of them secret."""
        return self.call("secret.put", workspace=workspace, name=name,
                         fields=fields(**values), **more)

    def get(self, workspace, name, **more):
        return self.call("secret.get", workspace=workspace, name=name,
                         **more)

    def barrier(self):
        """Until the daemon has done all that was there to do: what comes
        in is served by turns, and the second one begins after the first."""
        self.call("status")
        self.call("status")

    def state(self):
        return self.call("status").fields["state"]

    def report(self):
        """{key: value} of vault.report."""
        return {i["key"].decode(): i["value"].decode()
                for i in self.call("vault.report").fields["items"]}

    def origins(self, workspace):
        """{name: origin} of the secrets that have a source; none for who
        may not know."""
        found, after = {}, 0
        while True:
            r = self.call("resync.list", workspace=workspace, after=after)
            if not r.ok:
                return found
            found.update((i["name"].decode(), i["origin"])
                         for i in r.fields["items"])
            after = r.fields["next"]
            if not after:
                return found

    def events(self, workspace="", start=0):
        """All events from a cell on."""
        found = []
        while True:
            r = self.call("activity.read", workspace=workspace,
                          **{"from": start})
            if not r.ok:
                raise WireError("activity.read: %r" % r)
            if r.fields["bad"]:
                raise WireError("%d bad records" % r.fields["bad"])
            found += r.fields["items"]
            if r.fields["next"] == start or \
                    r.fields["next"] >= r.fields["end"]:
                return found
            start = r.fields["next"]

    def log_end(self):
        return self.call("activity.read", workspace="",
                         **{"from": (1 << 64) - 1}).fields["end"]
