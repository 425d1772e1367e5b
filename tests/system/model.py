"""Who may do what: a small model, to compare the daemon with.

It is written from requirements.md R21 to R46 and from the role JSON of the
model, in names of actions, and shares nothing with the daemon's tables.

    m = Model(operator_group)
    m.define("auditor", ["*/read"])
    m.grant(USER, 41001, "auditor", "ws")
    m.verdict(Person(41001), "secret.get", "ws", "n")   # ("DENIED", 0)
"""
NOBODY, OPERATOR, USER, GROUP, IDENTITY = range(5)
OVERFLOW = 65534
NO_ID = 0xffffffff

# The actions by plane: what can be named by Actions, what by DataActions,
# and what no custom role can name.
CONTROL = {
    "workspaces/write", "workspaces/read", "workspaces/delete",
    "workspaces/identity/read", "workspaces/identity/write",
    "workspaces/grants/read", "workspaces/grants/write",
    "workspaces/secrets/list/read", "workspaces/secrets/read",
    "workspaces/secrets/write", "workspaces/secrets/delete",
    "workspaces/secrets/purge/delete", "workspaces/activity/read",
    "workspaces/resync/action", "workspaces/runs/read",
    "workspaces/runs/write", "workspaces/targets/read",
    "workspaces/targets/write"}
VALUES = {"workspaces/secrets/value/read", "workspaces/secrets/use/action"}
DATA = VALUES | {"workspaces/targets/use/action"}
VAULT = {"vault/manage/action", "vault/read", "roles/read", "roles/write"}

SEE = {"workspaces/secrets/list/read", "workspaces/secrets/read"}
READER = SEE | {"workspaces/read", "workspaces/identity/read",
                "workspaces/grants/read", "workspaces/activity/read",
                "roles/read", "workspaces/runs/read",
                "workspaces/targets/read"}
CONTRIBUTOR = READER | DATA | {
    "workspaces/write", "workspaces/secrets/write",
    "workspaces/secrets/delete", "workspaces/resync/action",
    "workspaces/runs/write", "workspaces/targets/write"}
# R24, R36: what an owner may and a contributor may not.
OWNER = CONTRIBUTOR | {
    "workspaces/delete", "workspaces/grants/write",
    "workspaces/identity/write", "workspaces/secrets/purge/delete",
    "roles/write"}
# R43: a managed identity sees its workspace, has all of its secrets, and
# starts runs with them.
AGENT = SEE | {"workspaces/read", "workspaces/secrets/use/action",
               "workspaces/runs/read", "workspaces/runs/write",
               "workspaces/targets/use/action"}
OFFICER = SEE | VALUES | {
    "workspaces/secrets/write", "workspaces/secrets/delete",
    "workspaces/secrets/purge/delete"}
# Operators keep the vault; what is in it is not theirs to read.
OPERATORS = VAULT | {
    "workspaces/write", "workspaces/read", "workspaces/delete",
    "workspaces/identity/read", "workspaces/identity/write",
    "workspaces/grants/read", "workspaces/grants/write",
    "workspaces/activity/read", "workspaces/resync/action",
    "workspaces/runs/read"}

# What an operation asks for, and of what: "" nobody is asked.
ASKS = {
    "hello": ("none", ""), "status": ("none", ""),
    "workspace.list": ("none", ""),
    "vault.report": ("vault", "vault/read"),
    "vault.init": ("vault", "vault/manage/action"),
    "vault.unlock": ("vault", "vault/manage/action"),
    "vault.lock": ("vault", "vault/manage/action"),
    "slot.list": ("vault", "vault/manage/action"),
    "slot.add": ("vault", "vault/manage/action"),
    "slot.remove": ("vault", "vault/manage/action"),
    "workspace.create": ("workspace", "workspaces/write"),
    "workspace.show": ("workspace", "workspaces/read"),
    "workspace.delete": ("workspace", "workspaces/delete"),
    "workspace.undelete": ("workspace", "workspaces/delete"),
    "workspace.purge": ("workspace", "workspaces/delete"),
    "identity.bind": ("workspace", "workspaces/identity/write"),
    "identity.unbind": ("workspace", "workspaces/identity/write"),
    "identity.show": ("workspace", "workspaces/identity/read"),
    "identity.revoke": ("workspace", "workspaces/identity/write"),
    "identity.repair": ("workspace", "workspaces/resync/action"),
    "grant.add": ("any", "workspaces/grants/write"),
    "grant.remove": ("any", "workspaces/grants/write"),
    "grant.list": ("any", "workspaces/grants/read"),
    "policy.explain": ("any", "workspaces/grants/read"),
    "policy.who": ("any", "workspaces/grants/read"),
    "role.put": ("vault", "roles/write"),
    "role.delete": ("vault", "roles/write"),
    "role.list": ("any", "roles/read"),
    "role.show": ("any", "roles/read"),
    "secret.put": ("secret", "workspaces/secrets/write"),
    "secret.get": ("secret", "workspaces/secrets/value/read"),
    "secret.list": ("workspace", "workspaces/secrets/list/read"),
    "secret.show": ("secret", "workspaces/secrets/read"),
    "secret.versions": ("secret", "workspaces/secrets/read"),
    "secret.delete": ("secret", "workspaces/secrets/delete"),
    "secret.undelete": ("secret", "workspaces/secrets/delete"),
    "secret.purge": ("secret", "workspaces/secrets/purge/delete"),
    "secret.source": ("secret", "workspaces/secrets/write"),
    "secret.watch": ("workspace", "workspaces/secrets/value/read"),
    "secret.stale": ("secret", "workspaces/secrets/value/read"),
    "activity.read": ("any", "workspaces/activity/read"),
    "run.start": ("workspace", "workspaces/runs/write"),
    "run.end": ("workspace", "workspaces/runs/write"),
    "run.renew": ("workspace", "workspaces/runs/write"),
    "run.list": ("workspace", "workspaces/runs/read"),
    "run.show": ("workspace", "workspaces/runs/read"),
    "run.attach": ("none", ""),
    "run.scan": ("workspace", "workspaces/runs/write"),
    "resync.begin": ("workspace", "workspaces/resync/action"),
    "resync.list": ("workspace", "workspaces/resync/action"),
    "resync.stage": ("secret", "workspaces/resync/action"),
    "resync.commit": ("workspace", "workspaces/resync/action"),
    "target.create": ("secret", "workspaces/targets/write"),
    "target.list": ("workspace", "workspaces/targets/read"),
    "target.show": ("secret", "workspaces/targets/read"),
    "target.rotate": ("secret", "workspaces/targets/write"),
    "target.settle": ("secret", "workspaces/targets/write"),
    "target.pin": ("secret", "workspaces/targets/write"),
    "target.delete": ("secret", "workspaces/targets/write"),
    "target.set": ("secret", "workspaces/targets/write"),
    "ca.show": ("workspace", "workspaces/targets/read"),
    "ca.krl": ("workspace", "workspaces/targets/read"),
    "ca.revoke": ("workspace", "workspaces/targets/write"),
    "ca.host": ("secret", "workspaces/targets/write"),
    "ca.user": ("secret", "workspaces/targets/use/action"),
    "target.reach": ("secret", "workspaces/targets/use/action"),
}
# A right to some names is enough to begin with; what else each of a run's
# secrets must be allowed for.
PARTIAL = {"secret.list", "run.list", "run.scan", "target.list"}
OF_SECRETS = {
    "run.start": {"workspaces/runs/write", "workspaces/secrets/value/read"},
    "run.end": {"workspaces/runs/write"},
    "run.renew": {"workspaces/runs/write"},
    "run.show": {"workspaces/runs/read"},
    "secret.watch": {"workspaces/secrets/value/read"}}
# For these a deleted workspace is there, with the grants that it had; for
# all others it is not.
OF_DELETED = {"workspace.undelete", "workspace.purge"}
# What works while the vault is locked, or before there is one.
LOCKED = {"hello", "status", "vault.report", "vault.init", "vault.unlock",
          "vault.lock", "slot.list"}
EMPTY = {"hello", "status", "vault.report", "vault.init"}


def matches(pattern, name):
    """'*' is any text, '/' too; case does not count."""
    first, *rest = pattern.lower().split("*")
    name = name.lower()
    if not rest:
        return first == name
    if not name.startswith(first):
        return False
    at = len(first)
    for part in rest[:-1]:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return name.endswith(rest[-1]) and len(name) - len(rest[-1]) >= at


def expand(patterns, plane):
    return {a for a in plane for p in patterns if matches(p, a)}


class Person:
    """What the kernel says of a peer; pid 0: it can't be seen from here."""

    def __init__(self, uid, gid=None, groups=(), pid=1):
        self.uid, self.pid = uid, pid
        self.gid = uid if gid is None else gid
        self.groups = {self.gid, *groups}


class Model:
    def __init__(self, operator_group):
        self.operator_group = operator_group
        self.state = "open"
        self.roles = {"owner": OWNER, "contributor": CONTRIBUTOR,
                      "reader": READER, "agent": AGENT,
                      "secrets-officer": OFFICER}
        self.workspaces = set()
        self.deleted = set()
        self.grants = []        # (kind, who, role, workspace or "", prefix)
        self.bindings = []      # (workspace, uid, gid or None)

    def define(self, name, actions=(), not_actions=(), data=(), not_data=()):
        self.roles[name] = \
            expand(actions, CONTROL) - expand(not_actions, CONTROL) | \
            expand(data, DATA) - expand(not_data, DATA)

    def grant(self, kind, who, role, workspace, prefix=""):
        self.grants.append((kind, who, role, workspace, prefix))

    def create(self, workspace):
        self.workspaces.add(workspace)
        for role in ("agent", "secrets-officer"):
            self.grant(IDENTITY, workspace, role, workspace)

    def delete(self, workspace):
        """Its grants and bindings stay, but for its identity's."""
        self.workspaces.remove(workspace)
        self.deleted.add(workspace)
        self.grants = [g for g in self.grants
                       if g[:2] != (IDENTITY, workspace)]

    def is_operator(self, person):
        return person.pid != 0 and (person.uid == 0 or
                                    self.operator_group in person.groups)

    def is_for(self, person, kind, who):
        if person.pid == 0 or who in (OVERFLOW, NO_ID):
            return False
        if kind == USER:
            return person.uid == who
        if kind == GROUP:
            return who in person.groups
        return any(w == who and w in self.workspaces and uid == person.uid and
                   gid in (None, person.gid)
                   for w, uid, gid in self.bindings)

    def is_there(self, op, workspace):
        return workspace in self.workspaces or \
            op in OF_DELETED and workspace in self.deleted

    def held(self, person, workspace, op=""):
        """The grants that are for somebody there, the workspace's first."""
        scopes = [workspace, ""] if self.is_there(op, workspace) else [""]
        return [g for scope in scopes for g in self.grants
                if g[3] == scope and self.is_for(person, *g[:2])]

    def allows(self, person, action, workspace, name="", partial=False, op=""):
        """As what somebody may do it; NOBODY: not at all."""
        if self.state == "open":
            for kind, _, role, _, prefix in self.held(person, workspace, op):
                if action in self.roles[role] and (
                        partial or not prefix or
                        name and name.startswith(prefix)):
                    return kind
        if self.is_operator(person) and action in OPERATORS:
            return OPERATOR
        return NOBODY

    def may_give(self, person, role, workspace, prefix=""):
        """Nobody gives what he has not."""
        has = set()
        for _, _, mine, _, only in self.held(person, workspace):
            if prefix.startswith(only):
                has |= self.roles[mine]
        if self.is_operator(person):
            has |= OPERATORS
        return self.roles[role] <= has

    def may_bind(self, person, workspace):
        """To bind somebody is to give him what the identity has there."""
        roles = {"agent", "secrets-officer"} | {
            role for kind, who, role, where, _ in self.grants
            if kind == IDENTITY and who == where == workspace}
        return all(self.may_give(person, role, workspace) for role in roles)

    def verdict(self, person, op, workspace, name, role="reader"):
        """The status, without what only the object's own state says, and
        as what it is recorded.  role is the one of a grant.add."""
        kind, action = ASKS[op]
        works = {"open": ASKS, "locked": LOCKED, "empty": EMPTY}[self.state]
        if op not in works:
            return ("LOCKED" if self.state == "locked" else
                    "UNINITIALIZED"), NOBODY
        if not action:
            return "OK", NOBODY
        where = workspace if kind != "vault" else ""
        as_what = self.allows(person, action, where,
                              name if kind == "secret" else "",
                              op in PARTIAL or op in OF_SECRETS, op)
        if as_what == NOBODY:
            # Operators may list all workspaces.
            missing = where and self.state == "open" and \
                op != "workspace.create" and not self.is_there(op, where)
            return ("NOT_FOUND" if missing and self.is_operator(person)
                    else "DENIED"), NOBODY
        if where and not self.is_there(op, where) and \
                op != "workspace.create":
            return "NOT_FOUND", as_what
        if any(self.allows(person, a, where, "n") == NOBODY
               for a in OF_SECRETS.get(op, ())):
            return "DENIED", as_what
        # The runs that there are may use targets.
        if op == "run.renew" and any(
                self.allows(person, a, where) == NOBODY for a in
                ("workspaces/runs/write", "workspaces/targets/use/action")):
            return "DENIED", as_what
        if op == "grant.add" and not self.is_operator(person) and \
                not self.may_give(person, role, where):
            return "DENIED", as_what
        if op == "identity.bind" and not self.is_operator(person) and \
                not self.may_bind(person, where):
            return "DENIED", as_what
        # It says who other hosts are, too.
        if op == "ca.host" and self.allows(person, action, where) == NOBODY:
            return "DENIED", as_what
        if as_what == IDENTITY and (op == "identity.repair" or
                                    op.startswith("resync.")):
            return "DENIED", as_what
        # Who may not begin a resync has none to add to.
        if op == "resync.stage" and \
                self.allows(person, action, where, "") == NOBODY:
            return "CONFLICT", as_what
        if op in OF_DELETED and where in self.workspaces:
            return "CONFLICT", as_what
        if op == "workspace.create" and \
                where in self.workspaces | self.deleted:
            return "EXISTS", as_what
        return "OK", as_what
