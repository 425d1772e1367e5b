#!/usr/bin/env python3
"""Every operation against every role, and the verdict that it must have.

Each cell is a request over the socket from a process with a real uid of its
own: in its own workspace, in another one, in one that is not there, on the
vault; for names within the prefix of its grant and others; with the vault
open, locked and not made yet.  The verdicts are those of model.py, which
takes nothing from the daemon's tables.  ops.def is read for one purpose: an
operation that the model does not know fails the test.
"""
import collections
import itertools
import os
import re
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
import model
import sshagent
from cast import (BINDINGS, CUSTOM, EVERYWHERE, G_OPERATOR, GONE, NAMES, NEW,
                  OTHER, OWN, ROLES)
from expect import check, same, show, status
from harness import HERE
from search import Needles, seeds_of, vault_keys

# What an allowed request gets where it is not OK: the vault is there, open.
# Nobody has a token.
ALLOWED = {"vault.init": "EXISTS", "vault.unlock": "CONFLICT",
           "run.attach": "DENIED"}
STAGED = {}         # of a secret with a source: version and origin
SERIALS = {}        # by workspace: of a certificate that was given
RUNS = {}           # by workspace: a run of the secret n that is there

FIXTURE = 41900     # an owner of the vault, who puts things back

CONTENT = b"keyfile of the roles' table....."
KEY = harness.slot_key(CONTENT)
SECRET = b"canary-of-a-secret-field"
METADATA = b"canary-of-a-metadata-field"
FIELDS = [dict(name="value", flags=1, value=SECRET),
          dict(name="host", flags=0, value=METADATA)]
SOMEBODY = 41999    # is granted roles, and bound

HOST_KEY = sshagent.Key(b"h").blob

ids = itertools.count(1000)


def operations():
    """The names in ops.def, but for those of ssh clients alone."""
    with open(os.path.join(HERE, "../../src/common/ops.def")) as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    text = re.sub(r",\n\s+", ", ", text)
    return re.findall(r'^OP\(\d+, \w+, \w+, "([a-z.]+)"(?!.*OPF_AGENT)', text,
                      re.M)


def scope(op):
    """none, vault, any, workspace or secret: what the request names."""
    return model.ASKS[op][0]


def values(op, workspace, name):
    """A valid request."""
    v = dict(workspace=workspace, name=name)
    if op in ("identity.bind", "identity.unbind"):
        v["uid"] = SOMEBODY
    elif op in ("grant.add", "grant.remove"):
        v.update(principal=wire.USER, id=SOMEBODY, role=wire.READER)
    elif op.startswith("policy."):
        v.update(principal=wire.USER, id=SOMEBODY, name="",
                 action="workspaces/read")
    elif op in ("role.put", "role.delete"):
        v.update(wire.role(["*/read"]), name="made")
    elif op == "role.show":
        v["name"] = "owner"
    elif op == "secret.put":
        v["fields"] = FIELDS
    elif op in ("vault.init", "slot.add"):
        v.update(type=wire.KEYFILE, key=b"s" * 32)
    elif op == "vault.unlock":
        v["key"] = KEY
    elif op == "slot.remove":
        v["slot"] = 2
    elif op == "run.start":
        v.update(target=wire.TOKEN_ONLY, token=1, uid=SOMEBODY,
                 secrets=[dict(name="n")])
    elif op == "secret.source":
        v["source"] = "file"
    elif op == "resync.begin":
        v["dry_run"] = 1        # takes nobody's place
    elif op == "resync.stage":
        version, origin = STAGED.get((workspace, name), (1, b""))
        v.update(version=version, origin=origin, outcome=wire.FAILED, problem="no answer")
    elif op == "secret.watch":
        v["items"] = [dict(name="n", version=0, followed=0)]
    elif op in ("target.create", "target.set"):
        v.update(host="login.example", port=22, user="train")
    elif op == "ca.revoke":
        v.update(serial=SERIALS.get(workspace, 1),
                 until=(int(time.time()) + 3600) * 1000000)
    elif op == "ca.host":
        v.update(key=HOST_KEY, hosts=[dict(host="login.example")])
    elif op == "target.settle":
        v["version"] = 1
    elif op.startswith("run."):
        v["run"] = RUNS.get(workspace, b"r" * 16)
    return v


class Vault:
    """The daemon, its people, and the state that each cell begins with."""

    def __init__(self, t):
        self.keyfile = t.keyfile(CONTENT)
        self.d = t.daemon(dict(operator_group=G_OPERATOR))
        self.root = self.d.init(KEY)
        self.t, self.seeds, self.heard = t, {}, bytearray()
        self.people = {role: t.agent(*row[:3]).connect(self.d.socket)
                       for role, row in ROLES.items()}
        self.root_call("grant.add", workspace="", principal=wire.USER,
                       id=FIXTURE, role=wire.OWNER)
        self.fixture = t.agent(FIXTURE).connect(self.d.socket)
        self.model = make_model()
        self.built = set()
        for name, row in CUSTOM.items():
            if row[4] == EVERYWHERE:
                self.put_role(name)
        self.give("")
        for workspace in (OWN, OTHER):
            self.build(workspace)
        self.cells = {}     # request id: (uid, op, status, principal)
        self.secrets_seen = 0

    def root_call(self, op, **v):
        return status(self.root.call(op, **v), "OK", op)

    def fix(self, op, *fine, **v):
        r = self.fixture.call(op, **v)
        check(r.ok or r.status_name in fine, "%s to put back: %r" % (op, r))

    def put_role(self, name):
        self.fix("role.put", name=name, **wire.role(*CUSTOM[name]))

    def give(self, scope, only=None):
        """All that is granted in one scope, or only some of it."""
        for row in ROLES.values():
            for kind, who, role, where, prefix in row[3]:
                if where == scope and only in (None, kind):
                    named = kind == wire.IDENTITY
                    status(self.root.call(
                        "grant.add", workspace=scope, principal=kind,
                        id=0 if named else who, who=who if named else "",
                        role=role, prefix=prefix), "OK", "%s in '%s'" %
                        (role, scope))

    def build(self, workspace):
        self.fix("workspace.create", workspace=workspace)
        if workspace == OWN:
            self.put_role("trainee")    # its scope went with the workspace
        for _, uid, gid in (b for b in BINDINGS if b[0] == workspace):
            self.fix("identity.bind", workspace=workspace, uid=uid,
                     gid=wire.NO_ID if gid is None else gid)
        self.give(workspace)
        if workspace == OWN and self.built:
            self.give(OTHER, wire.IDENTITY)
        self.built.add(workspace)
        for name in NAMES:
            self.fix("secret.put", workspace=workspace, name=name,
                     fields=FIELDS)
            self.fix("target.create",
                     **values("target.create", workspace, name))
        self.start_run(workspace)

    def start_run(self, workspace):
        r = self.fixture.call("run.start",
                              **values("run.start", workspace, ""))
        RUNS[workspace] = status(r, "OK", "a run").fields["run"]

    def prepare(self, role, op, place, name):
        """Make what an allowed request needs."""
        v = values(op, place, name)
        if op in ("resync.stage", "resync.commit"):
            status(self.people[role].call("resync.begin", workspace=place),
                   "OK", "a resync")
        if op == "resync.stage":
            self.fix("secret.source", workspace=place, name=name,
                     source="file")
            version = self.fixture.call("secret.show", workspace=place,
                                        name=name).fields["version"]
            STAGED[place, name] = version, self.fixture.origins(place)[name]
        if op == "slot.remove":
            self.root_call("slot.add", type=wire.KEYFILE, key=b"s" * 32)
        elif op == "identity.unbind":
            self.fix("identity.bind", "EXISTS", **v)
        elif op == "grant.remove":
            self.fix("grant.add", "EXISTS", **v)
        elif op in ("secret.undelete", "secret.purge"):
            self.fix("secret.delete", "DELETED", workspace=place, name=name)
        elif op in ("run.end", "run.renew"):
            self.start_run(place)
        elif op == "ca.revoke":
            SERIALS[place] = self.fixture.call(
                "ca.user", workspace=place, name="n").fields["serial"]
        elif op == "ca.host":
            self.fix("target.pin", workspace=place, name=name,
                     if_revision=wire.NO_ID, pins=[dict(key=HOST_KEY)])
        elif op == "ca.user":
            # Somebody else may have set it, who decides less.
            self.fix("target.set", if_revision=wire.NO_ID,
                     **values("target.set", place, name))
        elif op == "target.create":
            self.fix("target.delete", "NOT_FOUND", workspace=place, name=name)
        elif op == "role.delete":
            self.fix("role.put", **values("role.put", "", ""))

    def restore(self, role, op, place, name):
        """Undo what it did."""
        if op == "resync.stage":
            self.people[role].call("resync.begin", workspace=place,
                                   dry_run=1)
        elif op == "vault.lock":
            self.root_call("vault.unlock", key=KEY)
        elif op == "slot.add":
            self.root_call("slot.remove", slot=2)
        elif op == "workspace.create" and place == NEW:
            self.fix("workspace.delete", workspace=NEW)
            self.fix("workspace.purge", workspace=NEW)
        elif op == "workspace.delete":
            self.fix("workspace.purge", workspace=place)
            self.build(place)
        elif op == "identity.bind":
            self.fix("identity.unbind", workspace=place, uid=SOMEBODY)
        elif op == "grant.add":
            self.fix("grant.remove", **values(op, place, ""))
        elif op == "secret.delete":
            self.fix("secret.undelete", workspace=place, name=name)
        elif op == "secret.purge":
            self.fix("secret.put", workspace=place, name=name, fields=FIELDS)
        elif op == "identity.revoke":
            self.fix("identity.repair", workspace=place)
        elif op == "role.put":
            self.fix("role.delete", name="made")
        elif op == "target.rotate":
            self.fix("target.settle", workspace=place, name=name,
                     version=self.version_of(place, name))
        elif op == "target.delete":
            self.fix("target.create", **values("target.create", place, name))

    def version_of(self, place, name):
        """The version of a target's first key."""
        r = self.fixture.call("target.show", workspace=place, name=name)
        return r.fields["keys"][0]["version"]

    def judge(self, role, op, number, reply, want, as_what, what):
        """One cell: the status, and no secret where none may be."""
        self.heard += reply.data
        status(reply, want, what)
        same(reply.id, number, what + ": id")
        if not reply.ok:
            same(len(reply.data), 16, what + ": length of the reply")
        given = reply.ok and op == "secret.get"
        same(SECRET in reply.data, given, what + ": the secret is given out")
        same(METADATA in reply.data, reply.ok and
             op in ("secret.get", "secret.show"), what + ": metadata")
        if given:
            same(reply.values(), dict(value=SECRET, host=METADATA), what)
            self.secrets_seen += 1
        if reply.ok and op == "secret.show":
            same([(f["flags"], f["value"]) for f in reply.fields["fields"]],
                 [(1, b""), (0, METADATA)], what + ": fields")
        check(number not in self.cells, "an id is used twice")
        self.cells[number] = (ROLES[role][0], wire.OPERATIONS[op][0],
                              reply.status, as_what)

    def no_key_is_out(self):
        """Of the private SSH keys that there are, or were at the last look."""
        self.seeds.update(seeds_of(vault_keys(self.t, self.d, self.keyfile)))
        same(Needles(self.seeds).find(bytes(self.heard)), [],
             "private keys in replies")

    def ask(self, role, op, place, name="n"):
        number = next(ids)
        return number, self.people[role].call(op, number,
                                              **values(op, place, name))


def person(role):
    return model.Person(*ROLES[role][:3])


def make_model():
    m = model.Model(G_OPERATOR)
    for name, row in CUSTOM.items():
        m.define(name, *row[:4])
    m.bindings = list(BINDINGS)
    m.create(OWN)
    m.create(OTHER)
    for row in ROLES.values():
        for g in row[3]:
            m.grant(*g)
    return m


def plan(m, role, op):
    """The cells: (place, secret's name, the status that is due, as what)."""
    kind = scope(op)
    places = {"none": [("", "")], "vault": [("", "")],
              "secret": [(w, n) for w in (OWN, OTHER) for n in NAMES] +
                        [(GONE, "n")],
              "workspace": [(w, "") for w in (OWN, OTHER, GONE)],
              "any": [(w, "") for w in (OWN, OTHER, GONE, "")]}[kind]
    if op == "workspace.create":
        places = [(w, "") for w in (OWN, OTHER, NEW)]
    if kind == "secret" and op not in ("secret.put", "target.create"):
        places += [(w, "no-such-secret") for w in (OWN, OTHER)]
    for place, name in places:
        want, as_what = m.verdict(person(role), op, place, name)
        if want == "OK":
            want = "NOT_FOUND" if name == "no-such-secret" else \
                ALLOWED.get(op, "OK")
        yield place, name, want, as_what


def describe(role, op, place, name):
    return "%s: %s on '%s' '%s'" % (role, op, place, name)


def run_many(v, role, cells):
    """All that changes nothing, in one write: also that it does not."""
    before = v.root.report()["epoch"]
    numbers = [next(ids) for _ in cells]
    c = v.people[role]
    c.send_raw(b"".join(
        wire.request(op, n, **values(op, place, name or "n"))
        for n, (op, place, name, _, _) in zip(numbers, cells)))
    for n, (op, place, name, want, as_what) in zip(numbers, cells):
        v.judge(role, op, n, c.receive(), want, as_what,
                describe(role, op, place, name))
    same(v.root.report()["epoch"], before, role + ": the store has changed")


READS = (".krl", ".show", ".list", ".get", ".versions", ".read", ".explain", ".who",
         "hello", "status", ".report")


def run_open(v):
    for role in ROLES:
        together = []
        for op in model.ASKS:
            for place, name, want, as_what in plan(v.model, role, op):
                if want != "OK" or op.endswith(READS):
                    together.append((op, place, name, want, as_what))
                    continue
                v.prepare(role, op, place, name)
                number, reply = v.ask(role, op, place, name or "n")
                v.judge(role, op, number, reply, want, as_what,
                        describe(role, op, place, name))
                v.restore(role, op, place, name)
        run_many(v, role, together)
    show("%d cells with the vault open" % len(v.cells))


def run_deleted(v):
    """A workspace that is deleted: it is there for two operations alone."""
    before = len(v.cells)
    v.model.delete(OWN)
    v.fix("workspace.delete", workspace=OWN)
    for role in ROLES:
        together = []
        for op in model.ASKS:
            if scope(op) in ("none", "vault"):
                continue
            want, as_what = v.model.verdict(person(role), op, OWN, "n")
            if want != "OK":
                together.append((op, OWN, "n", want, as_what))
                continue
            same(op in model.OF_DELETED, True, op + " of a deleted one")
            number, reply = v.ask(role, op, OWN)
            v.judge(role, op, number, reply, want, as_what,
                    "deleted, %s: %s" % (role, op))
            if op == "workspace.purge":
                v.build(OWN)
            v.fix("workspace.delete", workspace=OWN)
        # What its identity was granted elsewhere is gone with it.
        want, as_what = v.model.verdict(person(role), "secret.get", OTHER,
                                        "n")
        together.append(("secret.get", OTHER, "n", want, as_what))
        run_many(v, role, together)
    v.fix("workspace.purge", workspace=OWN)
    v.build(OWN)
    v.model = make_model()
    show("%d cells with the workspace deleted" % (len(v.cells) - before))


def run_locked(v):
    before = len(v.cells)
    v.model.state = "locked"
    for role in ROLES:
        for op in model.ASKS:
            place = OWN if scope(op) not in ("none", "vault") else ""
            want, as_what = v.model.verdict(person(role), op, place, "n")
            if want == "OK" and op == "vault.init":
                want = "EXISTS"
            number, reply = v.ask(role, op, place)
            v.judge(role, op, number, reply, want, as_what,
                    "locked, %s: %s" % (role, op))
            if op == "vault.unlock" and want == "OK":
                v.root_call("vault.lock")
    v.model.state = "open"
    show("%d cells with the vault locked" % (len(v.cells) - before))


def run_empty(t):
    """No vault yet: every operation and role, then each operator's init."""
    cells = 0
    m = make_model()
    m.state = "empty"
    for maker in ("operator uid 0", "operator group"):
        d = t.daemon(dict(operator_group=G_OPERATOR))
        for role, row in ROLES.items():
            c = t.agent(*row[:3]).connect(d.socket)
            for op in model.ASKS:
                want = m.verdict(person(role), op, OWN, "n")[0]
                if op == "vault.init" and want == "OK":
                    continue
                r = c.call(op, **values(op, OWN, "n"))
                status(r, want, "no vault, %s: %s" % (role, op))
                cells += 1
            c.close()
        c = t.agent(*ROLES[maker][:3]).connect(d.socket)
        status(c.call("vault.init", **values("vault.init", "", "")), "OK",
               maker + ": init")
        cells += 1
        d.stop()
    show("%d cells with no vault" % cells)
    return cells


def check_listing(v):
    """Each sees the workspaces that it may see, and only what is theirs."""
    for role in ROLES:
        def may(action, place, name="", role=role):
            return v.model.allows(person(role), action, place, name)
        seen = {i["name"].decode() for i in v.people[role].call(
            "workspace.list").fields["items"]}
        told = {i["name"].decode() for i in v.people[role].call(
            "workspace.list").fields["items"] if i["uid"] != wire.NO_ID}
        same(told, {p for p in (OWN, OTHER) if may("workspaces/read", p)},
             role + ": workspaces that are told about")
        want = {p for p in (OWN, OTHER) if any(
            v.model.allows(person(role), action, p, partial=True)
            for action in model.CONTROL | model.DATA
            if action != "workspaces/write")}
        same(seen, want, role + ": workspaces in the list")
        for place in (OWN, OTHER):
            r = v.people[role].call("secret.list", workspace=place)
            if r.ok:
                same({i["name"].decode() for i in r.fields["items"]},
                     {n for n in NAMES if
                      may("workspaces/secrets/list/read", place, n)},
                     role + ": secrets in the list")
    for role in ("owner", "contributor", "reader", "auditor"):
        objects = {e["object"].split(b"/")[0]
                   for e in v.people[role].events(OWN)}
        same(objects, {OWN.encode()}, role + ": the activity that it reads")


def count_repeated(events):
    """Requests that were counted instead of recorded, by uid and status."""
    counted = collections.Counter()
    for e in events:
        if e["flags"] & wire.REPEATED:
            counted[e["uid"], e["status"]] += e["version"]
    return counted


def read_log(v):
    """Its events, when what was counted is in it."""
    end = time.monotonic() + 10
    while True:
        events = v.root.events()
        recorded = {e["request"] for e in events}
        missing = collections.Counter(
            (cell[0], cell[2]) for number, cell in v.cells.items()
            if number not in recorded)
        if not missing - count_repeated(events) or time.monotonic() > end:
            return events


def check_log(v):
    """Each cell is in the log, once, with who did it as what; or, refused,
    in the number of those that are not."""
    seen = {}
    events = read_log(v)
    for e in events:
        if e["type"] == wire.REQUESTED and e["request"] in v.cells:
            check(e["request"] not in seen, "a cell is recorded twice")
            seen[e["request"]] = (e["uid"], e["op"], e["status"],
                                  e["principal"])
    left = count_repeated(events)
    for number, cell in v.cells.items():
        if number not in seen:
            left[cell[0], cell[2]] -= 1
            check(left[cell[0], cell[2]] >= 0, "not in the log: %s" % (cell,))
            continue
        same(seen[number], cell, "the record of %s" %
             wire.CODE_NAME[cell[1]])
    show("%d cells are in the activity log, each once, with its initiator, "
         "status and principal; %d more that were refused are counted there" %
         (len(seen), len(v.cells) - len(seen)))


def check_no_identity(t, v):
    """What the kernel shows for nobody at all is nobody."""
    for principal in (wire.USER, wire.GROUP):
        for who in (65534, wire.NO_ID):
            status(v.root.call("grant.add", workspace=OWN, id=who,
                               principal=principal, role=wire.OWNER),
                   "INVALID", "a grant to %d" % who)
    status(v.root.call("identity.bind", workspace=OWN, uid=65534),
           "INVALID", "a binding to 65534")
    for uid, gid in ((65534, 41000), (41000, 65534)):
        a = t.agent(uid, gid)
        raw = a.connect(v.d.socket, greet=False)
        r = raw.receive()
        status(r, "DENIED", "a connection as %d:%d" % (uid, gid))
        same(raw.receive(), None, "after the refusal")
    show("uid and gid 65534 are nobody: no grant, no binding, no connection")


def test(t):
    harness.need_root()
    same(sorted(model.ASKS), sorted(operations()),
         "operations of ops.def, and rows of the model")
    v = Vault(t)
    run_open(v)
    v.no_key_is_out()
    run_deleted(v)
    v.no_key_is_out()
    check_listing(v)
    check_no_identity(t, v)
    v.root_call("vault.lock")
    run_locked(v)
    v.root_call("vault.unlock", key=KEY)
    check_log(v)
    v.no_key_is_out()
    check(len(v.seeds) > 4, "private keys: %d" % len(v.seeds))
    check(v.secrets_seen > 0, "no secret was ever given out")
    v.d.stop()
    cells = len(v.cells) + run_empty(t)
    show("%d operations, %d roles, %d cells, the secret given out %d times, "
         "none of %d private SSH keys ever" %
         (len(model.ASKS), len(ROLES), cells, v.secrets_seen,
          len(v.seeds) - 1))


harness.main(test, limit=180)
