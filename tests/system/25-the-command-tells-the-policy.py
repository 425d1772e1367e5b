#!/usr/bin/env python3
"""Roles, grants and identities by the command: what it does, says, refuses.

What "why" says is compared with what then happens, for every principal,
secret and kind of access here.  And each verb says why it is not done.
"""
import json
import os
import pty
import subprocess
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
import refusals
from expect import check, same, show, status

OWNER, TRAINER, READER, AGENT, NOBODY, ELSEWHERE = range(48001, 48007)
ROLE = {"Name": "Train Reader", "IsCustom": True,
        "Description": "values of train-*",
        "Actions": ["workspaces/secrets/*/read"], "NotActions": [],
        "DataActions": ["*"],
        "NotDataActions": ["workspaces/secrets/use/action"],
        "AssignableScopes": ["/ml/train-*"]}


class Command:
    def __init__(self, t, d):
        self.t, self.d = t, d

    def __call__(self, *arguments, code=0, **more):
        return self.t.run_cofre(self.d, *arguments, code=code,
                                **more).decode()

    def json(self, *arguments, code=0, **more):
        return json.loads(self(*arguments, "--json", code=code, **more))

    def error(self, *arguments, code):
        done = subprocess.run(
            [self.t.cofre(), "--socket", self.d.socket, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        same(done.returncode, code, "exit code of %s" % " ".join(arguments))
        return done.stderr.decode()


def at_a_terminal(t, d, answer, *arguments):
    """The exit code, and all that the terminal shows."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(t.cofre(), [t.cofre(), "--socket", d.socket, *arguments])
    shown = b""
    try:
        while not shown.endswith(b"to go on: "):
            shown += os.read(terminal, 1000)
        os.write(terminal, answer.encode() + b"\n")
        while True:
            shown += os.read(terminal, 1000)
    except OSError:
        pass                # it has ended
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def write(t, name, value):
    path = os.path.join(t.dir, name)
    harness.write_file(path, value if isinstance(value, str) else
                       json.dumps(value), 0o644)
    return path


def roles(t, cofre):
    """In and out again, as it was; what can't be is refused whole."""
    same(cofre("role", "import", write(t, "role", ROLE)),
         "Train Reader version 1\n", "import")
    same(json.loads(cofre("role", "export", "Train Reader")), ROLE, "export")
    out = cofre("role", "export", "Train Reader")
    same(cofre("role", "import", "-", stdin=out.encode()),
         "Train Reader version 2\n", "import of what was exported")
    for name, change in (("Actions", ["nothing/read"]),
                         ("Actions", ["workspaces/secrets/value/read"]),
                         ("AssignableScopes", []),
                         ("AssignableScopes", ["/gone"]),
                         ("Name", "Owner"), ("Extra", 1), ("Name", 7)):
        cofre.error("role", "import", write(t, "bad", dict(ROLE, **{
            name: change})), code=8 if change == "Owner" else 9)
    for text in ("", "{", "[]", json.dumps(ROLE)[:-1] + ', "Name": "x"}'):
        cofre.error("role", "import", write(t, "bad", text), code=9)
    listed = {r["name"]: r for r in cofre.json("role", "list")}
    same(sorted(listed), sorted(["owner", "contributor", "reader", "agent",
                                 "secrets-officer", "Train Reader"]), "roles")
    same(listed["Train Reader"]["version"], 2, "its version")
    check("workspaces/secrets/value/read" in cofre("role", "actions"),
          "the actions are not listed")
    check("values of train-*" in cofre("role", "show", "Train Reader"),
          "its description is not shown")
    show("a role comes in and goes out as JSON, or is refused whole")


def grants(cofre):
    cofre("grant", "ml", "user:%d" % OWNER, "owner")
    cofre("grant", "ml/train-*", "user:%d" % TRAINER, "Train Reader")
    cofre("grant", "ml", "user:%d" % READER, "reader")
    cofre.error("grant", "ml", "user:%d" % TRAINER, "Train Reader", code=9)
    check("role list" in cofre.error("grant", "ml", "user:%d" % TRAINER,
                                     "No Such", code=9), "no way on")
    cofre.error("grant", "ml/train", "user:%d" % TRAINER, "reader", code=2)
    cofre.error("grant", "ml", "identity:gone", "reader", code=6)
    check("still granted: 'cofre grants'" in cofre.error(
        "role", "delete", "Train Reader", code=8), "not where it is granted")
    cofre("grant", "lab", "identity:ml", "reader")
    rows = {(g["principal"], g["role"], g["scope"])
            for g in cofre.json("grants", "ml")}
    check(("user:%d" % TRAINER, "Train Reader", "ml/train-*") in rows and
          ("identity:ml", "agent", "ml") in rows, "grants: %r" % rows)
    cofre.error("ungrant", "ml", "identity:ml", "agent", code=8)
    cofre("ungrant", "lab", "identity:ml")
    cofre.error("ungrant", "lab", "identity:ml", code=6)
    show("grants for names and for identities, given and taken")


def named_elsewhere(t, d, root, cofre):
    """A workspace that the caller may not see is a number to him; but who may
    take a grant away is told whose it is."""
    cofre("workspace", "create", "hidden")
    cofre("identity", "bind", "hidden", "--uid", str(ELSEWHERE))
    for scope in ("ml", "/"):
        cofre("grant", scope, "identity:hidden", "reader")

    def whose(*arguments, uid):
        rows = cofre.json(*arguments, uid=uid)
        return {row["principal"].replace("#", "# ").split()[0]
                for row in rows if row["role"] == "reader" and
                row["principal"].startswith("identity:")}

    for arguments in (("grants", "ml"), ("who", "ml", "--action",
                                         "workspaces/read")):
        same(whose(*arguments, uid=READER), {"identity:#"},
             "to a reader: " + arguments[0])
        for uid, what in ((0, "an operator"), (ELSEWHERE, "itself")):
            same(whose(*arguments, uid=uid), {"identity:hidden"},
                 "to %s: %s" % (what, arguments[0]))
    same(whose("grants", "ml", uid=OWNER), {"identity:hidden"},
         "to who may take it away")
    same(whose("who", "ml", "--action", "workspaces/read", uid=OWNER),
         {"identity:hidden", "identity:#"}, "to who may not, of the vault's")
    explained = status(t.agent(READER).connect(d.socket).call(
        "policy.explain", workspace="ml", name="",
        principal=wire.USER, id=ELSEWHERE, gid=wire.NO_ID, who="", groups=[],
        action="workspaces/read"), "OK").fields["items"]
    same({(i["principal"], i["who"], i["id"] > 0) for i in explained},
         {(wire.IDENTITY, b"", True)}, "explained to a reader")
    for scope in ("ml", "/"):
        cofre("ungrant", scope, "identity:hidden")
    cofre("workspace", "delete", "hidden", "--yes=hidden")
    cofre("workspace", "purge", "hidden", "--yes=hidden")
    show("whose a grant is, is told to those who see him, or may take it away")


def why_is_what_happens(t, d, cofre):
    """Every principal, secret and operation: "why" and the daemon agree."""
    cells = 0
    for uid in (OWNER, TRAINER, READER, AGENT, NOBODY):
        c = t.agent(uid).connect(d.socket)
        for name in ("train-a", "other"):
            for op, values in (
                    ("secret.get", {}), ("secret.show", {}),
                    ("secret.versions", {}), ("secret.delete", {})):
                allowed = c.call(op, workspace="ml", name=name,
                                 **values).status_name != "DENIED"
                told = cofre.json("why", "user:%d" % uid, op, "ml/" + name,
                                  code=0 if allowed else 5)
                same(told["allowed"], allowed, "%d %s %s: %r" %
                     (uid, op, name, told))
                same(any(g["outcome"] == "allows" for g in told["grants"]),
                     allowed, "a grant that allows it: %r" % told)
                who = {w["principal"] for w in cofre.json(
                    "who", "ml/" + name, "--action", op)}
                me = "identity:ml" if uid == AGENT else "user:%d" % uid
                same(me in who, allowed, "who may %s %s: %r" %
                     (op, name, who))
                if op == "secret.delete" and allowed:
                    status(c.call("secret.undelete", workspace="ml",
                                  name=name), "OK")
                cells += 1
    told = cofre.json("why", "user:%d" % TRAINER, "secret.get", "ml/other",
                      code=5)
    same([g["outcome"] for g in told["grants"]], ["other-names"], "why not")
    told = cofre.json("why", "identity:ml", "secret.get", "ml/other")
    same(told["allowed"], True, "the identity")
    same(cofre.json("why", "operator", "secret.get", "ml/other",
                    code=5)["allowed"], False, "an operator as such")
    cofre.error("why", "user:1", "no.such", "ml", code=2)
    binding = ("ml", "--uid", str(NOBODY), "--exe", "/usr/bin/agent")
    cofre("identity", "bind", *binding)
    check(cofre("why", "user:%d" % NOBODY, "secret.get", "ml/other",
                code=5).startswith("depends on the process"), "if-process")
    cofre("identity", "unbind", *binding)
    a = t.agent(NOBODY)
    run = cofre("run", "start", "-w", "ml", "--secret", "other", "--pid",
                str(a.pid)).strip()
    for name, is_in in (("other", True), ("train-a", False)):
        rows = cofre.json("who", "ml/" + name)
        same("run:" + run in {w["principal"] for w in rows}, is_in,
             "the run among those who may read %s: %r" % (name, rows))
    status(a.connect(d.socket).get("ml", "other"), "OK", "the run's read")
    cofre("run", "end", "ml", run)
    told_of_the_run(cofre, run)
    check("run:" + run not in cofre("who", "ml/other"), "a run that is over")
    show("what why and who say is what happens: %d cells, and a run" % cells)


def partly(t, d, cofre):
    """A role for some names: what it lets one see of the workspace."""
    same([(w["name"], w["secrets"], w["created"], w["created_by"])
          for w in json.loads(cofre("workspace", "list", "--json",
                                    uid=TRAINER))],
         [("ml", None, None, None)], "the trainer's workspaces")
    same([(w["name"], w["secrets"]) for w in json.loads(cofre(
        "workspace", "list", "--json", uid=READER))], [("ml", 2)],
         "the reader's workspaces")
    same(json.loads(cofre("workspace", "list", "--json", uid=NOBODY)), [],
         "nobody's workspaces")
    same(cofre("workspace", "list", uid=TRAINER).splitlines()[1].split(),
         ["ml"] + ["-"] * 6, "as text")
    told = cofre.json("why", "user:%d" % TRAINER, "secret.get", "ml", code=5)
    same((told["allowed"], told["partial"]), (False, True), "for some names")
    check(cofre("why", "user:%d" % TRAINER, "secret.get", "ml", code=5)
          .startswith("allowed for some names: "), "the first line")
    told = cofre.json("why", "user:%d" % TRAINER, "secret.get", "ml/other",
                      code=5)
    same(told["partial"], False, "for a name that it is not for")
    told = cofre.json("why", "user:%d" % READER, "secret.list", "ml")
    same((told["allowed"], told["partial"]), (True, False), "for all names")
    same([(g["principal"], g["scope"]) for g in
          cofre.json("grants", "ml/train-*")],
         [("user:%d" % TRAINER, "ml/train-*")], "grants of the names")
    same(cofre.json("grants", "ml/x*"), [], "grants of other names")
    cofre.error("grants", "ml/train", code=2)
    check("still to come" in cofre.error(
        "unused", "ml", "--since", "+1h", code=2), "a time to come")
    cofre("unused", "ml", "--since", "-1h")
    check("unused gone: " in cofre.error("unused", "gone", "--days", "1",
                                         code=6), "the verb of an error")
    show("a role for some names is told as such")


def bindings_that_never_fit(t, cofre):
    """Refused, or, where that may change, done with a warning."""
    here = t.cofre()
    link = os.path.join(t.dir, "link")
    os.symlink(here, link)
    for options in (("--exe", "bin/agent"), ("--exe", "/bin//agent"),
                    ("--exe", "/bin/../agent"), ("--exe", "/bin/agent/"),
                    ("--cgroup", "/a.slice/"), ("--sha256", "ab"),
                    ("--sha256", "AB" * 32), ("--unit", "agent")):
        cofre.error("identity", "bind", "lab", "--uid", "1", *options,
                    code=2)
    same(cofre.json("identity", "show", "lab")["bindings"], [], "bindings")
    for options, says in (
            (("--exe", "/no/such/program"), "until it is there"),
            (("--exe", "/etc"), "no regular file"),
            (("--exe", link), "leads to " + here),
            (("--unit", "user@1000.service"), "user.slice"),
            (("--unit", "session-3.scope"), "user.slice"),
            (("--exe", here), ""), (("--unit", "agent.service"), "")):
        line = ("lab", "--uid", "1", *options)
        error = cofre.error("identity", "bind", *line, code=0)
        check(says in error if says else not error, "%r: %r" %
              (options, error))
        cofre("identity", "unbind", *line)
    show("bindings that never fit are refused, or warned of")


def told_of_the_run(cofre, run):
    """The log says as which run a secret was read."""
    lines = cofre("activity", "ml", "--op", "secret.get").splitlines()
    check("as run:%s " % run in lines[-1], "the last read: " + lines[-1])
    for text in (run, run[:8]):
        out = cofre("activity", "ml", "--run", text, "--json")
        events = [json.loads(line) for line in out.splitlines()]
        same([(e["op"], e["initiator"]["run"]) for e in events],
             [("run.start", None), ("secret.get", run), ("run.end", None),
              ("run.end", run)], "what concerns the run")
    same(cofre("activity", "ml", "--run", "0" * 32), "", "another run's")
    cofre.error("activity", "ml", "--run", run[:7], code=2)


def identity(t, d, cofre):
    c = t.agent(AGENT).connect(d.socket)
    shown = cofre.json("identity", "show", "ml")
    same([b["uid"] for b in shown["bindings"]], [AGENT], "bindings")
    same([(g["role"], g["canonical"], g["actual"])
          for g in shown["grants"]],
         [("agent", True, True), ("secrets-officer", True, True)], "grants")
    same({i["identity"]: i["grants"] for i in cofre.json("identity", "list")},
         {"identity:ml": "canonical", "identity:lab": "canonical"}, "list")
    check("--force" in cofre.error("identity", "revoke", "ml", code=2),
          "it does not say how")
    status(c.get("ml", "other"), "OK", "after a revocation without --force")
    check("resync-keys" in cofre.error("identity", "revoke", "ml", "--force",
                                       code=0), "no warning")
    status(c.get("ml", "other"), "DENIED", "after the revocation")
    same({i["identity"]: i["grants"] for i in cofre.json("identity", "list")},
         {"identity:ml": "revoked", "identity:lab": "canonical"}, "list")
    same([g["outcome"] for g in cofre.json("resync-keys", "ml", "--dry-run")],
         ["would-be-repaired"] * 2, "a dry run")
    status(c.get("ml", "other"), "DENIED", "after the dry run")
    same([g["outcome"] for g in cofre.json("resync-keys", "ml", "--only",
                                           "grants")],
         ["repaired"] * 2, "the repair")
    status(c.get("ml", "other"), "OK", "after the repair")
    same([g["outcome"] for g in cofre.json("resync-keys", "ml")],
         ["unchanged"] * 2, "a second repair")
    show("an identity is shown, revoked with --force, and repaired")


def what_is_missing(cofre):
    """Not that ml is missing, which is there: what of it is."""
    cofre("target", "create", "ml/host", "--host", "h", "--user", "u")
    for line, code, words in (
            ("grant ml identity:nobody reader", 6, "or no identity:nobody"),
            ("grant ml user:%d reader" % READER, 8, "the role 'reader' there"),
            ("ungrant ml user:7", 6, "user:7 has no such role"),
            ("identity unbind ml --uid 7", 6, "not bound so"),
            ("identity bind ml --uid %d" % AGENT, 8, "bound so already"),
            ("get ml/other --version 99", 6, "no version 99"),
            ("run start -w ml --secret none --pid %d" % os.getpid(), 6,
             "not all of the secrets"),
            ("run exec -w ml --secret none -- true {none}", 6,
             "not all of the secrets"),
            ("run exec -w ml --secret none --no-secrets -- true", 2,
             "exclude each other"),
            ("report-stale ml/other --version 99", 6, "or no version 99"),
            ("why identity:nope run.start ml", 6, "no identity:nope"),
            ("role show reader --version 9", 6, "or no version 9"),
            ("role show Nothing", 6, "no such role ('cofre"),
            ("role show owner --workspace gone", 6, "no such workspace, or"),
            ("why identity:nope run.start /", 6, "no identity:nope ('co"),
            ("run start -w gone --no-secrets --pid %d" % os.getpid(), 6,
             "no such workspace ('"),
            ("put gone/x --kind generic --file /etc/passwd", 6,
             "no such workspace"),
            ("target create gone/x --host h --user u", 6,
             "no such workspace"),
            ("role delete owner", 8, "it is built in\n"),
            ("target rotate ml/host --if-version 5", 8,
             "version 5 is not its newest key; nothing was done: 'cofre "
             "target show ml/host'"),
            ("target settle ml/host --version 7", 6, "no key of version 7"),
            ("watch ml/other gone/x", 6, "cofre: watch gone: ")):
        error = cofre.error(*line.split(), code=code)
        check(words in error, "%s: %s" % (line, error))
    check("runs that were started go on" in
          cofre("identity", "revoke", "--help"), "what becomes of runs")
    show("an error says what is missing, and not that the workspace is")


def agent_of_no_workspace(t, d, cofre):
    """A typo is an error, to who may know it, before the command starts."""
    mark = os.path.join(t.dir, "started")
    line = ("ssh-agent", "--agent", os.path.join(t.dir, "agent"), "-w")
    error = cofre.error(*line, "mll", "--", "touch", mark, code=6)
    check("ssh-agent mll: there is no such workspace" in error, error)
    cofre(*line, "mll", "--", "touch", mark, uid=NOBODY, code=5)
    cofre(*line, "lab", "--", "touch", mark, uid=NOBODY, code=5)
    check(not os.path.exists(mark), "the command was started")
    cofre("grant", "/", "user:0", "agent")
    check("'lab' has no target" in cofre.error(
        *line, "lab", "--", "touch", mark, code=0), "no warning")
    check(os.path.exists(mark), "the command was not started")
    cofre.error(*line, "mll", "--", "true", code=6)
    cofre("ungrant", "/", "user:0", "agent")
    # Who may use targets everywhere, and see no workspace.
    cofre("role", "import", write(t, "use", dict(
        ROLE, Name="Use", Actions=[], DataActions=["workspaces/targets/*"],
        NotDataActions=[], AssignableScopes=["/"])))
    cofre("grant", "/", "user:%d" % NOBODY, "Use")
    for name in ("lab", "mll"):
        done = subprocess.run(
            [t.cofre(), "--socket", d.socket, *line, name, "--", "true"],
            user=NOBODY, group=NOBODY, extra_groups=[],
            stderr=subprocess.PIPE)
        same((done.returncode, b"is no workspace, or has" in done.stderr),
             (0, True), done.stderr.decode())
    cofre("ungrant", "/", "user:%d" % NOBODY)
    cofre("role", "delete", "Use")
    show("an ssh agent of a workspace that is not there is an error")


def deletion(t, d, cofre):
    c = t.agent(AGENT).connect(d.socket)
    cofre.error("workspace", "undelete", "ml", code=8)
    cofre.error("workspace", "purge", "ml", "--yes=ml", code=8)
    check("undone" not in cofre.error("workspace", "delete", "ml", code=2),
          "it is said that a deletion can't be undone")
    code, shown = at_a_terminal(t, d, "lab", "workspace", "delete", "ml")
    check(code == 2 and "nothing was done" in shown, shown)
    status(c.get("ml", "other"), "OK", "not deleted")
    code, shown = at_a_terminal(t, d, "ml", "workspace", "delete", "ml")
    check(code == 0 and "'cofre workspace undelete' brings it back" in shown
          and "undone" not in shown, shown)
    status(c.get("ml", "other"), "DENIED", "deleted")
    same([[w["name"] for w in cofre.json("workspace", "list", *options)]
          for options in ((), ("--deleted",))], [["lab"], ["ml"]], "lists")
    check("cofre resync-keys ml" in cofre.error("workspace", "undelete", "ml",
                                                code=0), "no warning")
    status(c.get("ml", "other"), "DENIED", "brought back")
    same([g["outcome"] for g in cofre.json("resync-keys", "ml")],
         ["repaired"] * 2, "the repair")
    status(c.get("ml", "other"), "OK", "repaired")
    same(cofre.error("resync-keys", "--all", code=0), "", "of all")
    cofre("workspace", "delete", "ml", "--yes=ml")
    cofre.error("workspace", "purge", "ml", "--yes=lab", code=2)
    code, shown = at_a_terminal(t, d, "ml", "workspace", "purge", "ml")
    check(code == 0 and "can't be brought back" in shown, shown)
    same(cofre.json("workspace", "list", "--deleted"), [], "the purged one")
    cofre.error("workspace", "undelete", "ml", code=6)
    show("a workspace is deleted, brought back, repaired and purged")


def test(t):
    d = t.daemon(dict(agent_socket=os.path.join(t.dir, "agent")))
    root = d.init()
    cofre = Command(t, d)
    check("no workspace" in cofre.error("resync-keys", "--all", code=0),
          "no warning that there is no workspace")
    for w in ("ml", "lab"):
        cofre("workspace", "create", w)
    for name in ("train-a", "other"):
        status(root.put("ml", name, dict(value=b"v")), "OK")
    cofre("identity", "bind", "ml", "--uid", str(AGENT))
    roles(t, cofre)
    grants(cofre)
    named_elsewhere(t, d, root, cofre)
    partly(t, d, cofre)
    bindings_that_never_fit(t, cofre)
    why_is_what_happens(t, d, cofre)
    identity(t, d, cofre)
    what_is_missing(cofre)
    agent_of_no_workspace(t, d, cofre)
    deletion(t, d, cofre)
    d.stop()
    refusals.every_verb(t)


harness.main(test, limit=300)
