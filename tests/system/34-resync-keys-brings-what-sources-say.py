#!/usr/bin/env python3
"""cofre resync-keys, with real programs as sources.

Access comes back, new keys arrive, old ones stay for whom they are for; a
source that misbehaves changes nothing and leaves no process; two keys are
rotated without a moment in which none works; twenty at once have one winner;
and a daemon that is killed at any system call of the commit has all or
nothing of it.
"""
import base64
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
sys.dont_write_bytecode = True

import cgroups
import cofre_wire as wire
import harness
from expect import check, same, show, status

CONTRIB, AGENT, JOB = 51001, 51002, 51003
CANARY = "canary-of-an-upstream-key"
MARK = "COFRE-TEST-SOURCE-%d" % os.getpid()

# What is upstream is a file: {"1": key, "2": key, "active": 1, "calls": []}.
SOURCE = r'''#!/usr/bin/python3 -I
import base64, fcntl, json, os, signal, subprocess, sys, time
q = json.load(sys.stdin)
path = q["arguments"]["upstream"]
def key(label):
    return base64.b64encode(label.encode().ljust(64, b".")).decode()
with open(path, "r+") as f:
    fcntl.flock(f, fcntl.LOCK_EX)
    u = json.load(f)
    mode = u.get("mode", "good")
    u["calls"].append(q["operation"] + str(q["slot"]))
    if q["operation"] == "regenerate" and mode == "good":
        u[str(q["slot"])] = "made-%%d-%%d" %% (q["slot"], len(u["calls"]))
    # In one write, so that who is killed leaves no half of it.
    os.pwrite(f.fileno(), json.dumps(u).ljust(4000).encode(), 0)
slot = q["slot"] or u["active"]
answer = {"fields": {"AccountKey": key(u[str(slot)])}, "slot": slot,
          "rotate": True}
if "serial" in u:
    answer["serial"] = u["serial"]
if u.get("probe"):
    answer["probe"] = True
if q["operation"] == "probe":
    good = q["fields"]["AccountKey"] in (key(u["1"]), key(u["2"]))
    answer = {"ok": good and u["probe"] == "works"}
    if not answer["ok"]:
        answer["reason"] = "403 for \33[31m" + q["fields"]["AccountKey"]
text = json.dumps(answer)
canary = "%s"
if mode == "hang":
    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(s, signal.SIG_IGN)
    time.sleep(600)
elif mode == "fork":
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            time.sleep(600)
    time.sleep(600)
elif mode == "leave":       # answers, and leaves something behind
    if os.fork() == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        time.sleep(600)
elif mode == "flood":
    while True:
        os.write(1, b"{" * 65536)
elif mode == "garbage":
    text = "AccountKey=" + canary
elif mode == "empty":
    text = ""
elif mode == "half":
    text = text[:-2]
elif mode == "twice":
    text += text
elif mode == "exit":
    sys.stderr.write("no \33[2Jsuch account\n" * 100000)
    sys.exit(3)
elif mode == "words":
    os.write(2, b"up: one \\n of " + canary.encode() + b"\n\n\xff last\n\n")
    sys.exit(1)
elif mode == "warns":
    sys.stderr.write("no harm done\n")
elif mode == "blurts":
    sys.stderr.write("tried " + q.get("fields", {}).get("AccountKey", ""))
elif mode == "signal":
    os.kill(os.getpid(), signal.SIGSEGV)
elif mode == "no key":
    text = json.dumps({"fields": {"AccountKey": "notakey"}})
elif mode == "short key":
    text = json.dumps({"fields": {"AccountKey": key("")[4:]}})
elif mode == "empty key":
    text = json.dumps({"fields": {"AccountKey": ""}})
elif mode == "other slot":
    text = json.dumps(dict(answer, slot=3 - slot))
elif mode == "no field":
    text = '{"fields": {}}'
elif mode == "two":
    text = '{"fields": {"AccountKey": "a", "AccountKey": "b"}}'
elif mode == "nul":
    text = '{"fields": {"Account\\u0000Key": "a"}}'
elif mode == "unknown":
    text = '{"fields": {"AccountKey": "a"}, "exec": "/bin/sh"}'
sys.stdout.write(text)
''' % CANARY


def account_key(label):
    """What the source makes of a label: a key of an account."""
    return base64.b64encode(label.encode().ljust(64, b"."))


def tells(text, label):
    """Is the label in the text, or the key that begins with it?"""
    return label in text or \
        account_key(label).decode()[:len(label) * 4 // 3] in text


class Upstream:
    """What a source has to tell, in a file that it can change."""

    def __init__(self, path):
        self.path = path
        self.set(**{"1": CANARY + "-one", "2": CANARY + "-two",
                    "active": 1, "calls": []})

    def set(self, **values):
        now = {} if not os.path.exists(self.path) else self.get()
        now.update(values)
        harness.write_file(self.path, json.dumps(now), 0o666)

    def get(self):
        with open(self.path) as f:
            return json.load(f)

    def calls(self):
        """What was asked since the last time."""
        calls = self.get()["calls"]
        self.set(calls=[])
        return calls


def both(value):
    """Whichever of the two keys is in use."""
    return {"1": value, "2": value}


class Vault:
    def __init__(self, t):
        self.t, self.d = t, t.daemon()
        self.root = self.d.init()
        self.sources = os.path.join(t.dir, "sources.d")
        os.mkdir(self.sources, 0o755)
        harness.write_file(os.path.join(self.sources, "up"), SOURCE, 0o755)
        harness.write_file(os.path.join(self.sources, "rules"),
                           "up * upstream=%s/up/*\n" % t.dir, 0o644)
        os.mkdir(os.path.join(t.dir, "up"), 0o755)
        os.chmod(os.path.join(t.dir, "up"), 0o755)
        self.up = {}
        self.make("w", ("a", "b", "c"))
        self.c = t.agent(CONTRIB).connect(self.d.socket)
        self.agent = t.agent(AGENT).connect(self.d.socket)

    def make(self, workspace, names):
        status(self.root.call("workspace.create", workspace=workspace), "OK")
        for uid, role in ((CONTRIB, wire.CONTRIBUTOR),):
            status(self.root.call("grant.add", workspace=workspace,
                                  principal=wire.USER, id=uid, role=role),
                   "OK")
        status(self.root.call("identity.bind", workspace=workspace,
                              uid=AGENT), "OK")
        for name in names:
            path = os.path.join(self.t.dir, "up", name)
            up = self.up[name] = Upstream(path)
            status(self.root.call("secret.put", workspace=workspace,
                                  name=name, kind=wire.STORAGE,
                                  fields=wire.fields(
                                      AccountKey=account_key(up.get()["1"]))),
                   "OK")
            self.bind(workspace, name, path)

    def bind(self, workspace, name, path, source="up"):
        status(self.root.call("secret.source", workspace=workspace,
                              name=name, source=source, arguments=[
                                  dict(name="upstream", value=path)]), "OK")

    def resync(self, *arguments, code=0, workspace="w", uid=None):
        """{item: row} of what the command says."""
        more = () if workspace is None else (workspace,)
        text = self.t.run_cofre(self.d, "resync-keys", *more, "--json",
                                "--sources", self.sources, *arguments,
                                code=code, uid=uid)
        return {r["item"]: r for r in json.loads(text)}

    def key(self, name, c=None, **more):
        r = status((c or self.c).get("w", name, **more), "OK")
        return base64.b64decode(r.values()["AccountKey"]).decode().rstrip(".")

    def epoch(self):
        return int(self.root.report()["epoch"])


def outcomes(rows):
    return {i: r["outcome"] for i, r in rows.items() if r["kind"] != "grant"}


def left_over():
    """Processes of a source that are still there."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                line = f.read()
        except OSError:
            continue
        if b"/dev/fd/3" in line and b"-I" in line:
            found.append(pid)
    return found


def run_of(v, name):
    a = v.t.agent(CONTRIB)
    a.do(os.getpid)
    own = a.connect(v.d.socket)
    with open("/proc/%d/stat" % a.pid) as f:
        start = int(f.read().rsplit(")", 1)[1].split()[19])
    f = status(v.c.call("run.start", workspace="w", target=wire.PROCESS,
                        pid=a.pid, start=start, uid=wire.NO_ID,
                        secrets=[dict(name=name)]), "OK").fields
    return a, own, f["run"]


def access_comes_back(v):
    """The agent, on one connection: served, refused, served."""
    v.key("a", v.agent)
    v.t.run_cofre(v.d, "identity", "revoke", "w", "--force")
    status(v.agent.get("w", "a"), "DENIED", "without its access")
    rows = v.resync("--dry-run")
    same({r["outcome"] for r in rows.values() if r["kind"] == "grant"},
         {"would-be-repaired"}, "the plan")
    status(v.agent.get("w", "a"), "DENIED", "after the plan")
    rows = v.resync(uid=CONTRIB)
    same(sorted((i, r["outcome"]) for i, r in rows.items()
                if r["kind"] == "grant"),
         [("agent in w", "repaired"), ("secrets-officer in w", "repaired")],
         "the grants")
    same(outcomes(rows), dict(a="unchanged", b="unchanged", c="unchanged"),
         "the keys")
    v.key("a", v.agent)
    v.t.run_cofre(v.d, "resync-keys", "w", uid=AGENT, code=5)
    show("the identity's access comes back, on the same connection")


def a_key_changes_upstream(v):
    """A run goes on with the old one, a new one gets the new one."""
    old, new = v.key("a"), CANARY + "-new"
    job, own, run = run_of(v, "a")
    same(v.key("a", own), old, "what the run has")
    v.up["a"].set(**{"1": new})
    before = v.epoch()
    rows = v.resync()
    same(outcomes(rows), dict(a="updated", b="unchanged", c="unchanged"),
         "what was done")
    same((rows["a"]["was"], rows["a"]["version"]), (1, 2), "versions")
    same(v.epoch(), before + 1, "the epoch")
    same(v.key("a", own, version=1), old, "the run, with the old one")
    job2, own2, run2 = run_of(v, "a")
    same(v.key("a", own2), new, "a new run")
    versions = json.loads(v.t.run_cofre(v.d, "versions", "w/a", "--json"))
    same([(r["version"], r["runs"]) for r in versions], [(1, 1), (2, 1)],
         "who has what")
    status(v.c.call("run.end", workspace="w", run=run), "OK")
    status(v.c.get("w", "a", version=1), "NOT_FOUND", "the old one, after")
    same(v.key("a"), new, "the new one")
    for one in (run2,):
        status(v.c.call("run.end", workspace="w", run=one), "OK")
    job.end()
    job2.end()
    check("regenerate1" not in v.up["a"].calls(), "nothing is made anew")
    show("a run goes on with the key that it has, a new run has the new one")


BAD = ("hang", "fork", "flood", "garbage", "empty", "half", "twice", "exit",
       "signal", "no field", "two", "nul", "unknown", "no key", "short key",
       "empty key")
WHY = {"no key": "its answer: AccountKey is not the base64 of 64 bytes",
       "short key": "its answer: AccountKey is not the base64 of 64 bytes",
       "empty key": "its answer: field 1 is empty"}


def misbehaving_sources(v):
    """Each of them changes nothing, and the others are brought all the
    same."""
    for number, mode in enumerate(BAD):
        old, new = v.key("a"), "good-%d" % number
        v.up["a"].set(mode=mode, **both("never"))
        v.up["b"].set(**both(new))
        start = time.monotonic()
        rows = v.resync("--deadline", "2", code=3)
        took = time.monotonic() - start
        check(took < 30, "%s took %.1f s" % (mode, took))
        same(outcomes(rows), dict(a="failed", b="updated", c="unchanged"),
             mode)
        note = rows["a"]["note"]
        check(note, mode + ": no reason is given")
        check(not tells(note, CANARY) and "\33" not in note and
              not tells(note, "never") and "notakey" not in note,
              "%s: the reason is %r" % (mode, note))
        check(WHY.get(mode, "") in note, "%s: the reason is %r" %
              (mode, note))
        same((v.key("a"), v.key("b")), (old, new), "values after " + mode)
        same(left_over(), [], "processes after " + mode)
    v.up["a"].set(mode="leave", **both("left"))
    same(outcomes(v.resync())["a"], "updated", "one that leaves something")
    same(left_over(), [], "what it has left")
    v.up["a"].set(mode="good")
    for name in "abc":
        v.up[name].set(mode="exit")
    rows = v.resync(code=4)
    same(set(outcomes(rows).values()), {"failed"}, "when all fail")
    for name in "abc":
        v.up[name].set(mode="good")
    v.resync()
    for e in v.root.events():
        check(not tells((e["detail"] + e["object"]).decode(), CANARY) and
              b"\33" not in e["detail"], "the log has %r" % e["detail"])
    show("%d ways to misbehave: nothing changes, nothing is left running" %
         len(BAD))


def what_is_said(v):
    """What a source that fails writes on its standard error is for who runs
    the command, made harmless; nothing of it is kept."""
    line = [v.t.cofre(), "--socket", v.d.socket, "resync-keys", "w",
            "--json", "--sources", v.sources]
    for mode, want, code in (
            ("exit", ["w/a: up: no \\u{1b}[2Jsuch account"] * 20 +
             ["w/a: up: ..."], 3),
            ("words", ["w/a: up: one \\\\n of " + CANARY,
                       "w/a: up: ", "w/a: up: \\xff last"], 3),
            ("warns", [], 0)):
        v.up["a"].set(mode=mode)
        done = subprocess.run(line, capture_output=True, timeout=60)
        same(done.returncode, code, "the exit status, " + mode)
        same(done.stderr.decode().splitlines(), want, "it is told, " + mode)
        check(b"such account" not in done.stdout and b"last" not in
              done.stdout, "the list has %r" % done.stdout)
    v.up["a"].set(mode="good")
    for e in v.root.events():
        check(b"such account" not in e["detail"] and b"\\xff" not in
              e["detail"], "the log has %r" % e["detail"])
    problems = [i["problem"] for i in v.root.call(
        "resync.list", workspace="w").fields["items"]]
    check(not any(b"such" in p or b"last" in p for p in problems),
          "what is kept: %r" % problems)
    same(outcomes(v.resync())["a"], "unchanged", "when it is well again")
    # A new key that does not work: what is said of it is without the key.
    v.up["a"].set(mode="blurts", probe="fails", **both("blurted"))
    done = subprocess.run(line, capture_output=True, timeout=60)
    same(done.returncode, 3, "the exit status of a probe that fails")
    same(done.stderr.decode().splitlines(), ["w/a: up: tried *"],
         "it is told")
    v.up["a"].set(mode="good", probe=None, **both(v.key("a")))
    same(outcomes(v.resync())["a"], "unchanged", "with the key in use")
    show("what a source that fails has written is told once, and kept nowhere")


def what_is_allowed(v):
    """The rules are the administrator's, and root's files are root's."""
    before = v.epoch()
    secret = os.path.join(v.t.dir, "secret")
    harness.write_file(secret, '{"1": "x", "active": 1, "calls": []}', 0o644)
    for path in (secret, v.t.dir + "/up/../secret", "/etc/shadow"):
        v.bind("w", "a", path)
        rows = v.resync(code=3)
        same(outcomes(rows)["a"], "failed", path)
        check("rules" in rows["a"]["note"], rows["a"]["note"])
    told_when_set(v)
    v.bind("w", "a", v.up["a"].path, source="nowhere")
    same(outcomes(v.resync(code=3))["a"], "failed", "no such source")
    v.bind("w", "a", v.up["a"].path)
    program = os.path.join(v.sources, "up")
    for mode, owner in ((0o777, 0), (0o755, CONTRIB)):
        os.chown(program, owner, owner)
        os.chmod(program, mode)
        rows = v.resync(code=4)
        same(set(outcomes(rows).values()), {"failed"}, "mode %o" % mode)
    os.chown(program, 0, 0)
    os.chmod(program, 0o755)
    same(outcomes(v.resync())["a"], "unchanged", "as it should be")
    check(v.epoch() > before, "that it failed was kept")
    show("what a source may be asked, and which programs are sources")


def told_when_set(v):
    """What will fail at every resync is said when it is set."""
    here = v.t.dir + "/up/"

    def set_source(source, *arguments, sources=v.sources):
        done = subprocess.run(
            [v.t.cofre(), "--socket", v.d.socket, "source", "set", "w/a",
             source, *arguments, "--sources", sources],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        same((done.returncode, done.stdout), (0, b""), "source set")
        return done.stderr.decode()

    same(set_source("up", "upstream=%sa" % here), "", "what is allowed")
    for words, source, *arguments in (
            ("no rule can allow it: the argument upstream has \"..\"", "up",
             "upstream=%s../secret" % here),
            ("no rule can allow it: the source's name", "rules"),
            ("no line of %s/rules allows it; it would be: up w x=1" %
             v.sources, "up", "x=1"),
            ("it would be: up w upstream=/etc/shadow", "up",
             "upstream=/etc/shadow"),
            ("it would be: other w", "other")):
        told = set_source(source, *arguments)
        check(told.startswith("cofre: warning: w/a: each resync") and
              told.count("\n") == 1 and words in told, told)
    same(set_source("other", sources=v.t.dir + "/none"), "", "without rules")
    rules = os.path.join(v.sources, "rules")
    before = harness.read_file(rules)
    harness.write_file(rules, before + b"up * a=[\n", 0o644)
    told = set_source("up", "upstream=%sa" % here)
    check("each resync of it will fail" in told and "line 2" in told, told)
    harness.write_file(rules, before, 0o644)
    show("what no rule allows is told when it is set")


def two_keys(v):
    """The idle key is made anew, tried, used; the old one after its last
    holder."""
    up = v.up["b"]
    up.set(probe="works", **{"1": "k1", "2": "k2"})
    v.resync()
    up.calls()
    job, own, run = run_of(v, "b")
    same(v.key("b", own), "k1", "what the run has")
    rows = v.resync("--rotate", "--dry-run", "--only", "storage")
    same(outcomes(rows)["b"], "would-be-rotated", "the plan")
    check(not any(c.startswith("reg") for c in up.calls()), "a dry run")
    rows = v.resync("--rotate", "--only", "storage")
    same(outcomes(rows)["b"], "rotated", "the rotation")
    same(up.calls(), ["pull1", "regenerate2", "probe2"], "what was asked")
    new = up.get()["2"]
    same((v.key("b"), up.get()["1"]), (new, "k1"), "the keys")
    same(v.key("b", own, version=rows["b"]["was"]), "k1", "for the run")
    rows = v.resync("--rotate", "--only", "storage")
    same(outcomes(rows)["b"], "unchanged", "while the run goes on")
    check("still have" in rows["b"]["note"], rows["b"]["note"])
    same(up.calls(), ["pull2"], "what was asked meanwhile")
    status(v.c.call("run.end", workspace="w", run=run), "OK")
    v.resync()
    same(up.calls(), ["pull2"], "without --rotate")
    # One that answers for the key in use may have made that anew.
    up.set(mode="other slot")
    rows = v.resync("--rotate", "--only", "storage", code=3)
    same(outcomes(rows)["b"], "failed", "the other key is answered for")
    same(rows["b"]["note"], "asked to make key 1 anew, the source has "
         "answered for key 2", "the note")
    up.set(mode="good")
    same(up.calls(), ["regenerate1"], "the source that answers so")
    rows = v.resync("--rotate", "--only", "storage")
    same(outcomes(rows)["b"], "retired", "after the run")
    same(up.calls(), ["regenerate1"], "the old key")
    check(up.get()["1"] != "k1", "it is made anew")
    same(v.key("b"), new, "the key in use")
    job.end()
    # A new key that does not work is not used.
    up.set(probe="fails")
    rows = v.resync("--rotate", "--only", "storage", code=3)
    same(outcomes(rows)["b"], "failed", "a key that does not work")
    note = rows["b"]["note"]
    check(not tells(note, "made-") and "\33" not in note, "a value is told: " +
          note)
    same(v.key("b"), new, "the key in use")
    items = status(v.root.call("resync.list", workspace="w"),
                   "OK").fields["items"]
    check([i["problem"] for i in items if i["name"] == b"b"] != [b""],
          "it is not marked")
    up.set(probe="works")
    same(outcomes(v.resync())["b"], "unchanged", "with the key in use")
    show("two keys: one is always good, and the old one is made anew last")


def older_answers(v):
    up = v.up["c"]
    up.set(serial=7, **both("serial 7"))
    same(outcomes(v.resync())["c"], "updated", "serial 7")
    up.set(serial=6, **both("serial 6"))
    rows = v.resync(code=3)
    same(outcomes(rows)["c"], "failed", "an older answer")
    same(v.key("c"), "serial 7", "the key")
    up.set(serial=8, **both("serial 8"))
    v.resync()
    show("an answer that is older than the last is refused")


def sources_are_listed(v):
    """A report of a stale version, and none."""
    def rows(*options):
        return v.t.run_cofre(v.d, "source", "list", "w", *options).decode()

    def stale():
        head, *lines = [re.split("  +", line.strip())
                        for line in rows().splitlines()]
        return {line[0]: line[head.index("STALE")] for line in lines}

    same(stale(), dict(a="-", b="-", c="-"), "without a report")
    status(v.c.call("secret.stale", workspace="w", name="b"), "OK")
    now = status(v.c.call("secret.show", workspace="w", name="b"),
                 "OK").fields["version"]
    same(stale(), dict(a="-", b=str(now), c="-"), "with one")
    same([r["stale"] for r in json.loads(rows("--json"))
          if r["name"] != "b"], [None, None], "JSON, without one")
    same([r["arguments"] for r in json.loads(rows("--json"))],
         [["upstream=" + v.up[name].path] for name in "bac"], "arguments")
    check("  upstream=%s  " % v.up["a"].path in rows(), "as text")
    v.t.run_cofre(v.d, "source", "set", "w/a", "up", "upstream=%s" %
                  v.up["a"].path, "b=", "c=d e\\", "--sources", v.sources)
    check(["upstream=" + v.up["a"].path, "b=", "c=d e\\"] in [
        r["arguments"] for r in json.loads(rows("--json"))], "three of them")
    v.bind("w", "a", v.up["a"].path)
    # What a source says is escaped once, wherever it is shown.
    v.up["a"].set(probe="fails", **both("fails"))
    for text in (v.t.run_cofre(v.d, "resync-keys", "w", "--sources",
                               v.sources, code=3).decode(), rows()):
        check("403 for \\u{1b}[31m*" in text, text)
    v.up["a"].set(probe=None)
    v.resync()
    show("what has a source is listed, and what of it is stale")


def a_follower_has_no_source(v):
    v.t.run_cofre(v.d, "put", "w/photos", "--kind", "datastore", "--type",
                  "azure-blob", "--meta", "container=photos", "--follows",
                  "a")
    done = subprocess.run(
        [v.t.cofre(), "--socket", v.d.socket, "source", "set", "w/photos",
         "up", "upstream=x"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=60)
    same(done.returncode, 9, "exit code")
    check(b"it follows a, " in done.stderr and b"w/a" in done.stderr,
          done.stderr)
    same(sorted(outcomes(v.resync())), ["a", "b", "c"], "what has a source")
    for words in (("delete", "w/photos"), ("purge", "w/photos",
                                           "--yes=w/photos")):
        v.t.run_cofre(v.d, *words)
    show("what follows has its source where its key is")


def many_workspaces(v):
    v.make("x", ("d",))
    for only in ((), ("--only", "storage")):
        text = v.t.run_cofre(v.d, "resync-keys", "--all", "--json",
                             "--sources", v.sources, *only)
        same({(r["workspace"], r["item"]) for r in json.loads(text)
              if r["kind"] == "storage"},
             {("w", "a"), ("w", "b"), ("w", "c"), ("x", "d")}, "all of them")
    same(outcomes(v.resync("--only", "registry")), {}, "of another kind")
    rows = v.resync("--only", "grants")
    same({r["kind"] for r in rows.values()}, {"grant"}, "grants alone")
    # One that is well counts as well, if nothing had to be done for it.
    held = [v.d.connect() for _ in "wx"]
    for c, name, code, well in zip(held, "wx", (3, 4), ({"x"}, set())):
        status(c.call("resync.begin", workspace=name), "OK")
        text = v.t.run_cofre(v.d, "resync-keys", "--all", "--only", "grants",
                             "--json", code=code)
        same({(r["workspace"], r["outcome"]) for r in json.loads(text)},
             {(w, "unchanged") for w in well}, "without " + name)
    for c, name in zip(held, "wx"):
        status(c.call("resync.commit", workspace=name), "OK")
        c.close()
    for bad in (("w", "--only", "x"), ("w", "--grace", "x"), (),
                ("w", "--all", "--only", "storage"), ("w", "--deadline", "0"),
                ("w", "--grace", "31d")):
        v.t.run_cofre(v.d, "resync-keys", *bad, code=2)
    show("which workspaces, and which kinds")


def on_a_schedule(v):
    """The role and the lines of cofre-source(7), for the unit alone."""
    top = os.path.dirname(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__))))
    manual = harness.read_file(top + "/doc/cofre-source.7").decode()
    role = re.search(r"^\{\"Name\": \"resync\".*?\}$", manual, re.M | re.S)
    line = re.search(r"^# cofre (grant .*)$", manual, re.M)
    v.t.run_cofre(v.d, "role", "import", "-", stdin=role.group().encode())
    unit = "cofre-test-%d.service" % os.getpid()
    words = line.group(1).split()
    same(words[2:], ["unit:cofre-resync.service", "resync"], "the grant")
    if cgroups.root() is None or cgroups.of() != "/":
        where, words[2] = None, "user:%d" % JOB
    else:
        where = cgroups.make(v.t, "/system.slice/" + unit)
        words[2] = "unit:" + unit

    def run(*arguments, inside=True, code=0):
        def enter():
            if inside and where is not None:
                cgroups.enter(where)
            uid = JOB if inside or where is not None else AGENT + 100
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        done = subprocess.run(
            [v.t.cofre(), "--socket", v.d.socket, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
            preexec_fn=enter)
        same(done.returncode, code, "exit code of %r: %r" %
             (arguments, done.stderr))
        return done.stdout

    all_of_them = ("resync-keys", "--all", "--json", "--sources", v.sources)
    same(json.loads(run(*all_of_them)), [], "before the grant")
    v.t.run_cofre(v.d, *words)
    same({r["workspace"] for r in json.loads(run(*all_of_them))}, {"w", "x"},
         "what the unit brings up to date")
    same(json.loads(run(*all_of_them, inside=False)), [], "outside of it")
    for more in (("get", "w/a", "--field", "AccountKey"), ("list", "w"),
                 ("run", "list", "w"), ("grants", "w")):
        run(*more, code=5)
    v.t.run_cofre(v.d, "ungrant", *words[1:])
    same(json.loads(run(*all_of_them)), [], "after it was taken away")
    show("the role of cofre-source(7) is enough for a schedule, and for "
         "nothing else")


def twenty_at_once(v):
    v.up["a"].set(**both("for twenty"))
    before = v.root.call("secret.show", workspace="w",
                         name="a").fields["version"]
    line = [v.t.cofre(), "--socket", v.d.socket, "resync-keys", "w",
            "--sources", v.sources]
    all_of_them = [subprocess.Popen(line, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
                   for _ in range(20)]
    codes = collections.Counter(p.wait(60) for p in all_of_them)
    check(codes[0] >= 1 and set(codes) <= {0, 12}, "exit codes %r" % codes)
    same(v.root.call("secret.show", workspace="w",
                     name="a").fields["version"], before + 1, "the version")
    # One that is killed leaves no lock, and no process.
    v.up["a"].set(mode="hang")
    p = subprocess.Popen(line, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while not left_over() and time.monotonic() < end:
        pass
    check(left_over(), "the source never started")
    p.kill()
    p.wait()
    v.up["a"].set(mode="good")
    same(outcomes(v.resync())["a"], "unchanged", "after one that was killed")
    end = time.monotonic() + 20
    while left_over() and time.monotonic() < end:
        pass
    same(left_over(), [], "processes of one that was killed")
    show("twenty at once: one at a time, and none is left: %r" % dict(codes))


def staged(v, value):
    """A connection with three answers, ready to be committed."""
    c = v.d.connect()
    status(c.call("resync.begin", workspace="w"), "OK")
    origins = c.origins("w")
    for name in "abc":
        version = status(c.call("secret.show", workspace="w", name=name),
                         "OK").fields["version"]
        status(c.call("resync.stage", workspace="w", name=name,
                      version=version, origin=origins[name],
                      outcome=wire.VALUE, fields=wire.fields(AccountKey=account_key(value))),
               "OK")
    return c


def calls_of_a_commit(v):
    """[(name, n)]: the system calls of the daemon while it commits."""
    path = os.path.join(v.t.dir, "trace")
    c = staged(v, "traced")
    p = harness.traced(v.d, "-o", path)
    status(c.call("resync.commit", workspace="w", grace=60), "OK")
    p.terminate()
    p.wait()
    seen, points = collections.Counter(), []
    with open(path) as f:
        for name in re.findall(r"^(\w+)\(", f.read(), re.M):
            seen[name] += 1
            points.append((name, seen[name]))
    return points


def answers(c):
    """Whether the daemon lives, and will: a kill that is on its way strikes
    before this is answered, and the strace that sent it must have gone."""
    try:
        reply = c.call("status")
    except OSError:
        return False
    return reply is not None and reply.ok


def killed_at_every_call(v):
    points = calls_of_a_commit(v)
    points = points[::len(points) // v.t.part(len(points))]
    hits = collections.Counter()
    for number, (name, n) in enumerate(points):
        c = staged(v, "try %d" % number)
        p = harness.traced(v.d, "-o", "/dev/null", "-e", "trace=" + name, "-e",
                           "inject=%s:signal=KILL:when=%d" % (name, n))
        try:
            r = c.call("resync.commit", workspace="w", grace=60)
        except OSError:
            r = None
        if r is not None:
            status(r, "OK", "%s #%d" % (name, n))
            p.terminate()
        p.wait()
        killed = not answers(v.root)
        if not killed:
            hits["not reached"] += 1
        else:
            v.d.wait()
            v.d.start()
            v.root = v.d.connect()
            status(v.root.call("vault.unlock", key=harness.KEY), "OK")
        reader = v.t.agent(CONTRIB).connect(v.d.socket)
        got = {v.key(k, reader) for k in "abc"}
        new = {"try %d" % number}
        check(got == new or new.isdisjoint(got),
              "%s #%d: half of it: %r" % (name, n, got))
        if r is not None:
            same(got, new, "%s #%d: it was acknowledged" % (name, n))
        if killed:
            hits["after" if got == new else "before"] += 1
        reader.close()
        c.close()
    check(hits["before"] > 0 and hits["after"] > 0 and
          hits["before"] + hits["after"] >= len(points) // 2,
          "hardly anything was hit: %r of %d" % (hits, len(points)))
    show("killed at %d of %d system calls of a commit: %d before, %d after" %
         (hits["before"] + hits["after"], len(points), hits["before"],
          hits["after"]))


def test(t):
    harness.need_root()
    v = Vault(t)
    access_comes_back(v)
    a_key_changes_upstream(v)
    what_is_allowed(v)
    two_keys(v)
    older_answers(v)
    sources_are_listed(v)
    a_follower_has_no_source(v)
    many_workspaces(v)
    on_a_schedule(v)
    twenty_at_once(v)
    misbehaving_sources(v)
    what_is_said(v)
    if not t.has_sanitizer():
        killed_at_every_call(v)
    v.d.stop()


harness.main(test, limit=240)
