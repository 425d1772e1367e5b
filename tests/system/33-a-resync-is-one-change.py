#!/usr/bin/env python3
"""A resync of a workspace: what the daemon makes of a source's answers.

They are compared, kept in memory, and become true in one commit with one
epoch, together with the grants of the managed identity.  What they replace
is given out for its grace, or as long as a run goes on that has read it.
"""
import errno
import os
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import faults
import harness
from expect import check, same, show, status

CONTRIB, OTHER, READER, AGENT, JOB = 50001, 50002, 50003, 50004, 50005
GRACE = 3600


def make(t, d):
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    for uid, role in ((CONTRIB, wire.CONTRIBUTOR), (OTHER, wire.CONTRIBUTOR),
                      (READER, wire.READER)):
        status(root.call("grant.add", workspace="w", principal=wire.USER,
                         id=uid, role=role), "OK")
    status(root.call("identity.bind", workspace="w", uid=AGENT), "OK")
    c = t.agent(CONTRIB).connect(d.socket)
    for name in ("a", "b", "c"):
        fields = [dict(name="AccountName", flags=0, value=b"acc-" +
                       name.encode()),
                  dict(name="AccountKey", flags=1, value=b"old-" +
                       name.encode())]
        status(c.call("secret.put", workspace="w", name=name,
                      kind=wire.STORAGE, fields=fields), "OK")
        bind(c, name)
    status(c.put("w", "unbound", dict(value=b"x")), "OK")
    return root, c


def bind(c, name, source="file", **arguments):
    status(c.call("secret.source", workspace="w", name=name, source=source,
                  arguments=[dict(name=k, value=v)
                             for k, v in arguments.items()]), "OK")


def begin(c, **more):
    return c.call("resync.begin", workspace="w", **more)


def stage(c, name, version, **more):
    values = dict(workspace="w", name=name, version=version,
                  origin=c.origins("w").get(name, b""), outcome=wire.VALUE)
    if "key" in more:
        values["fields"] = wire.fields(AccountKey=more.pop("key"))
    values.update(more)
    return c.call("resync.stage", **values)


def commit(c, grace=GRACE, repair=0):
    return c.call("resync.commit", workspace="w", grace=grace, repair=repair)


def listed(c):
    f = status(c.call("resync.list", workspace="w"), "OK").fields
    return {i["name"].decode(): i for i in f["items"]}


def key(c, name, **more):
    return status(c.get("w", name, **more), "OK").values()["AccountKey"]


def epoch(root):
    return int(root.report()["epoch"])


def versions(c, name):
    f = status(c.call("secret.versions", workspace="w", name=name), "OK")
    return {i["version"]: i for i in f.fields["items"]}


def resync(c, name, version, new, grace=GRACE, **more):
    """One secret, from begin to commit."""
    status(begin(c), "OK", "to begin")
    f = status(stage(c, name, version, key=new, **more), "OK").fields
    return f, status(commit(c, grace), "OK", "to commit").fields


def sources_are_kept(c, reader):
    bind(c, "a", "http", url="https://vault.example/a", field="/keys/0")
    item = listed(c)["a"]
    same((item["source"], item["arguments"]),
         (b"http", [dict(name=b"url", value=b"https://vault.example/a"),
                    dict(name=b"field", value=b"/keys/0")]), "the source")
    same(sorted(listed(c)), ["a", "b", "c"], "those that have one")
    for bad in (dict(source="../x"), dict(source="-rf"), dict(source="a" * 64),
                dict(source="", arguments=[dict(name="a", value="b")]),
                dict(source="s", arguments=[dict(name="a", value="b\n")]),
                dict(source="s", arguments=[dict(name="a b", value="")]),
                dict(source="s", arguments=[dict(name="a", value=""),
                                            dict(name="a", value="")])):
        status(c.call("secret.source", workspace="w", name="a", **bad),
               "INVALID" if len(bad["source"]) < 64 else "BAD_FRAME", bad)
    status(reader.call("secret.source", workspace="w", name="a",
                       source="file"), "DENIED")
    bind(c, "a", "")
    same(sorted(listed(c)), ["b", "c"], "after it was taken away")
    bind(c, "a")
    show("which source a secret has")


def all_at_once(root, c):
    """Nothing before the commit; then all, with one epoch."""
    before = epoch(root)
    status(begin(c), "OK", "to begin")
    f = status(stage(c, "a", 1, key=b"new-a"), "OK").fields
    same((f["result"], f["version"]), (wire.UPDATED, 2), "a")
    check(f["before"] != f["after"] and len(f["after"]) == 16, "digests")
    f = status(stage(c, "b", 1, key=b"old-b"), "OK").fields
    same((f["result"], f["version"]), (wire.UNCHANGED, 1), "b")
    same(f["before"], f["after"], "digests of what is the same")
    f = status(stage(c, "c", 1, outcome=wire.FAILED,
                     problem="no answer"), "OK").fields
    same((f["result"], f["version"]), (wire.NOTED, 1), "c")
    same((key(c, "a"), epoch(root)), (b"old-a", before), "before the commit")
    f = status(commit(c), "OK").fields
    same((f["updated"], f["noted"], f["skipped"]), (1, 1, []), "the commit")
    same((f["epoch"], epoch(root)), (before + 1, before + 1), "one epoch")
    same(key(c, "a"), b"new-a", "after the commit")
    r = status(c.get("w", "a"), "OK")
    same((r.fields["version"], r.values()["AccountName"]), (2, b"acc-a"),
         "the new version, and the field that the source did not name")
    same(listed(c)["c"]["problem"], b"no answer", "the problem of c")
    same((key(c, "b"), listed(c)["b"]["version"]), (b"old-b", 1), "b")
    status(commit(c), "CONFLICT", "a second commit")
    show("what was staged becomes true at once, with one epoch")


def nothing_new_writes_nothing(root, c):
    before = epoch(root)
    status(begin(c), "OK")
    for name, version in (("a", 2), ("b", 1)):
        value = key(c, name)
        f = status(stage(c, name, version, key=value), "OK").fields
        same(f["result"], wire.UNCHANGED, name)
    f = status(commit(c), "OK").fields
    same((f["epoch"], epoch(root)), (before, before), "the epoch")
    _, f = resync(c, "c", 1, b"old-c")
    same(f["noted"], 1, "a problem that is over")
    same(listed(c)["c"]["problem"], b"", "the problem of c")
    show("values that are the same write nothing")


def one_at_a_time(t, d, root, c, other):
    status(begin(c), "OK")
    status(begin(other), "UNDER_WAY", "a second one")
    status(begin(other, dry_run=1), "OK", "a dry run beside it")
    f = status(stage(other, "a", 2, key=b"never"), "OK").fields
    same((f["result"], f["version"]), (wire.UPDATED, 3), "a dry run's answer")
    status(commit(other), "CONFLICT", "a dry run's commit")
    status(stage(c, "a", 2, key=b"never"), "OK")
    status(stage(c, "a", 2, key=b"never"), "CONFLICT", "the same one again")
    status(begin(c), "OK", "to begin anew")
    f = status(commit(c), "OK").fields
    same((f["updated"], key(c, "a")), (0, b"new-a"), "after a new beginning")
    third = t.agent(OTHER).connect(d.socket)
    status(begin(third), "OK")
    status(stage(third, "a", 2, key=b"never"), "OK")
    third.close()
    root.barrier()
    status(begin(other), "OK", "after the other's connection is gone")
    status(stage(other, "a", 2, key=b"never"), "OK")
    status(root.call("vault.lock"), "OK")
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    status(commit(other), "CONFLICT", "after a lock")
    same(key(c, "a"), b"new-a", "what is left of all of it")
    show("one at a time, and nothing is left of what was given up")


def who_may(t, d, root, c, reader, agent):
    status(stage(c, "a", 2, key=b"x"), "CONFLICT", "without begin")
    for who, want in ((reader, "DENIED"), (agent, "DENIED")):
        status(begin(who), want)
        status(stage(who, "a", 2, key=b"x"), want)
        status(commit(who), want)
    # Also as a contributor the identity changes nothing that it is told.
    status(root.call("grant.add", workspace="w", principal=wire.IDENTITY,
                     id=0, who="w", role=wire.CONTRIBUTOR), "OK")
    for r in (begin(agent), agent.call("resync.list", workspace="w"),
              stage(agent, "a", 2, key=b"x"), commit(agent)):
        status(r, "DENIED", "the identity as a contributor")
    status(root.call("grant.remove", workspace="w", principal=wire.IDENTITY,
                     id=0, who="w", role=wire.CONTRIBUTOR), "OK")
    status(begin(root), "OK", "an operator")
    status(commit(root), "OK")
    # A role that can do nothing but this is enough for a scheduled service.
    status(root.call("role.put", name="resync", **wire.role(
        ["workspaces/resync/action"])), "OK")
    status(root.call("grant.add", workspace="w", principal=wire.USER, id=JOB,
                     role="resync"), "OK")
    job = t.agent(JOB).connect(d.socket)
    resync(job, "b", 1, b"by-job")
    status(job.get("w", "b"), "DENIED", "to read what it has brought")
    same(key(c, "b"), b"by-job", "what it has brought")
    show("who may, and the identity itself never")


def bad_answers(c):
    status(begin(c), "OK")
    for want, values in (
            ("INVALID", dict(key=b"x", outcome=4)),
            ("INVALID", dict(key=b"x", slot=3)),
            ("INVALID", dict(key=b"x", slot=1, retire=1)),
            ("INVALID", dict(key=b"x", problem="why")),
            ("INVALID", dict(key=b"x", expires=1)),
            ("INVALID", dict(outcome=wire.VALUE)),
            ("INVALID", dict(outcome=wire.FAILED)),
            ("INVALID", dict(outcome=wire.RETIRED, slot=1)),
            ("CONFLICT", dict(outcome=wire.RETIRED)),
            ("INVALID", dict(fields=[dict(name="AccountKey", flags=0,
                                          value=b"x")] * 2)),
            ("INVALID", dict(fields=[dict(name="no name", flags=0,
                                          value=b"x")])),
            ("TOO_LARGE", dict(fields=[dict(name="note", flags=0,
                                            value=b"x" * 33000)]))):
        status(stage(c, "a", 2, **values), want, values.keys())
    status(stage(c, "a", 1, key=b"x"), "CONFLICT", "not the current version")
    status(stage(c, "unbound", 1, key=b"x"), "CONFLICT", "without a source")
    status(stage(c, "none", 1, key=b"x"), "NOT_FOUND")
    status(c.call("resync.commit", workspace="w", grace=2592001), "INVALID")
    f = status(commit(c), "OK").fields
    same((f["updated"], f["noted"]), (0, 0), "what came of it")
    show("an answer that is wrong changes nothing")


def shown(c, name):
    """{field: (flags, value)}, as who may list the secret is shown it."""
    f = status(c.call("secret.show", workspace="w", name=name), "OK").fields
    return {i["name"]: (i["flags"], i["value"]) for i in f["fields"]}


def what_is_secret(c, reader):
    """A value that a source says is secret is shown to nobody, whatever the
    one before it was; and nothing that was secret becomes metadata."""
    status(c.call("secret.put", workspace="w", name="n", fields=[
        dict(name="user", flags=0, value=b"app"),
        dict(name="note", flags=0, value=b"by hand"),
        dict(name="pin", flags=1, value=b"1234")]), "OK")
    bind(c, "n")
    same(shown(reader, "n"), {b"user": (0, b"app"), b"note": (0, b"by hand"),
                              b"pin": (1, b"")}, "what is shown at first")
    status(begin(c), "OK")
    f = status(stage(c, "n", 1, fields=wire.fields(user=b"app")), "OK").fields
    same(f["result"], wire.UNCHANGED, "the same value, as a secret")
    status(stage(c, "n", 1, fields=wire.fields(note=b"a key by now") + [
        dict(name="pin", flags=0, value=b"5678")]), "OK")
    same(status(commit(c), "OK").fields["updated"], 1, "the commit")
    same(shown(reader, "n"), {b"user": (0, b"app"), b"note": (1, b""),
                              b"pin": (1, b"")}, "what is shown then")
    same(status(c.get("w", "n"), "OK").values(),
         dict(user=b"app", note=b"a key by now", pin=b"5678"), "the values")
    status(c.call("secret.delete", workspace="w", name="n"), "OK")
    show("what a source says is secret stays secret")


def who_was_quicker(c, other):
    status(begin(c), "OK")
    status(stage(c, "a", 2, key=b"late"), "OK")
    status(stage(c, "b", 2, key=b"in-time"), "OK")
    status(other.call("secret.put", workspace="w", name="a",
                      kind=wire.STORAGE,
                      fields=wire.fields(AccountKey=b"by-hand")), "OK")
    f = status(commit(c), "OK").fields
    same((f["updated"], [i["name"] for i in f["skipped"]]), (1, [b"a"]),
         "the commit")
    same((key(c, "a"), key(c, "b")), (b"by-hand", b"in-time"), "the values")
    show("what somebody has changed meanwhile stays as it is")


def whose_source_was_taken_away(c, other):
    """A source that was staged and then taken away brings nothing; the same
    one, set again, does."""
    names = ("gone", "moved", "elsewhere", "failed", "again", "kept")
    for name in names:
        status(c.put("w", name, dict(value=b"old")), "OK")
        bind(c, name, "http", url="https://one.example/")
    status(begin(c), "OK")
    for name in names:
        more = dict(outcome=wire.FAILED, problem="no answer") \
            if name == "failed" else dict(fields=wire.fields(value=b"new"))
        status(stage(c, name, 1, **more), "OK", "to stage " + name)
    bind(other, "gone", "")
    bind(other, "moved", "file", url="https://one.example/")
    bind(other, "elsewhere", "http", url="https://two.example/")
    bind(other, "failed", "http", url="https://two.example/")
    bind(other, "again", "")
    bind(other, "again", "http", url="https://one.example/")
    f = status(commit(c), "OK").fields
    same((f["updated"], f["noted"], [i["name"].decode() for i in
                                     f["skipped"]]),
         (2, 0, ["gone", "moved", "elsewhere", "failed"]), "the commit")
    for name in names:
        r = status(c.get("w", name), "OK")
        same((r.fields["version"], r.values()["value"]),
             (2, b"new") if name in ("again", "kept") else (1, b"old"), name)
    items = listed(c)
    same([(items[n]["problem"], items[n]["checked"]) for n in
          ("moved", "elsewhere", "failed")], [(b"", 0)] * 3,
         "what is kept of a source that has not been asked")
    for name in names:
        status(c.call("secret.delete", workspace="w", name=name), "OK")
    # Also when it happens before its answer is there.
    status(c.put("w", "answered", dict(value=b"old")), "OK")
    bind(c, "answered", "http", url="https://one.example/")
    asked = c.origins("w")["answered"]
    status(begin(c), "OK")
    value = wire.fields(value=b"new")
    for source, url in (("file", "one"), ("http", "two"), ("", "")):
        bind(other, "answered", source, **dict(url="https://%s.example/" % url)
             if source else {})
        for more in (dict(fields=value),
                     dict(outcome=wire.FAILED, problem="no answer")):
            status(stage(c, "answered", 1, origin=asked, **more), "CONFLICT",
                   "an answer of another source than %r" % source)
    bind(other, "answered", "http", url="https://one.example/")
    for wrong in (b"", asked[:-1], bytes(16), c.origins("w")["a"]):
        status(stage(c, "answered", 1, origin=wrong, fields=value), "CONFLICT",
               "the origin %r" % wrong)
    status(stage(c, "answered", 1, origin=asked, fields=value), "OK")
    status(commit(c), "OK")
    same(c.get("w", "answered").values()["value"], b"new",
         "of the one set again")
    status(c.call("secret.delete", workspace="w", name="answered"), "OK")
    show("a source that was taken away meanwhile brings nothing")


def serials(c):
    resync(c, "c", 1, b"serial-7", serial=7)
    status(begin(c), "OK")
    status(stage(c, "c", 2, key=b"serial-6", serial=6), "CONFLICT",
           "an older answer")
    status(stage(c, "c", 2, key=b"serial-8", serial=8), "OK")
    status(commit(c), "OK")
    same((key(c, "c"), listed(c)["c"]["serial"]), (b"serial-8", 8), "c")
    show("an answer that is older than the last is refused")


def wait_until(what, limit=10.0):
    end = time.monotonic() + limit
    while not what():
        check(time.monotonic() < end, "it has not come to that")


def gone(c, name, version):
    return c.get("w", name, version=version).status_name == "NOT_FOUND"


def run_of(t, d, c, names):
    """A process of the contributor's that is a run, and its connection."""
    a = t.agent(CONTRIB)
    a.do(os.getpid)
    own = a.connect(d.socket)
    with open("/proc/%d/stat" % a.pid) as f:
        start = int(f.read().rsplit(")", 1)[1].split()[19])
    f = status(c.call("run.start", workspace="w", target=wire.PROCESS,
                      pid=a.pid, start=start, uid=wire.NO_ID,
                      secrets=[dict(name=n) for n in names]), "OK").fields
    return a, own, f["run"]


def the_grace(t, d, root, c):
    """An old version is there by its number until its grace is over, or its
    last holder's run."""
    v = versions(c, "a")
    current = max(v)
    resync(c, "a", current, b"next", grace=0)
    check(gone(c, "a", current), "without a grace it is gone at once")
    current += 1
    _, f = resync(c, "a", current, b"third", grace=GRACE)
    same(key(c, "a", version=current), b"next", "the old one, in its grace")
    until = versions(c, "a")[current]["until"]
    check(abs(until - time.time() * 1e6 - GRACE * 1e6) < 60e6, "its end")
    resync(c, "a", current + 1, b"fourth", grace=1)
    wait_until(lambda: gone(c, "a", current + 1))
    same(key(c, "a", version=current), b"next", "one with another end")
    same(key(c, "a"), b"fourth", "the current one")
    wait_until(lambda: any(
        e["version"] == current + 1 and b"its grace is over" in e["detail"]
        for e in root.events()))
    show("an old version is there for its grace, and then gone")


def many_graces(root, c):
    """More ends than are sorted without memory, in one commit and in many."""
    for i in range(64):
        status(root.put("w", "many-%d" % i, dict(AccountKey=b"first"),
                        kind=wire.STORAGE), "OK")
        status(root.call("secret.source", workspace="w", name="many-%d" % i,
                         source="file"), "OK")
    status(begin(c), "OK")
    for i in range(64):
        status(stage(c, "many-%d" % i, 1, key=b"second"), "OK")
    same(status(commit(c), "OK").fields["updated"], 64, "with an end")
    for i in range(64):
        same(key(c, "many-%d" % i, version=1), b"first", "the old one")
    for i in range(64):
        for op in ("secret.delete", "secret.purge"):
            status(root.call(op, workspace="w", name="many-%d" % i), "OK", op)
    show("64 old versions with an end")


def the_holders(t, d, root, c):
    current = max(versions(c, "b"))
    value = key(c, "b")
    job, own, run = run_of(t, d, c, ["b"])
    same(key(own, "b"), value, "what the run has read")
    f, _ = resync(c, "b", current, b"b-two", slot=2, retire=1)
    item = listed(c)["b"]
    same((item["slot"], item["retire"], item["retire_version"], item["due"],
          item["holders"]), (2, 1, current, 0, 1), "what is to come")
    same(versions(c, "b")[current]["holders"], 1, "holders")
    same(key(own, "b", version=current), value, "the old one, for the run")
    second, own2, run2 = run_of(t, d, c, ["b"])
    same(key(own2, "b"), b"b-two", "what a new run gets")
    status(begin(c), "OK")
    status(stage(c, "b", current + 1, key=b"b-three", slot=1, retire=2),
           "CONFLICT", "a rotation while one is not over")
    status(c.call("run.end", workspace="w", run=run), "OK")
    check(gone(c, "b", current), "after the run")
    item = listed(c)["b"]
    same((item["retire"], item["due"], item["holders"]), (1, 1, 0), "due")
    status(begin(c), "OK")
    status(stage(c, "b", current + 1, outcome=wire.RETIRED), "OK")
    status(commit(c), "OK")
    item = listed(c)["b"]
    same((item["retire"], item["retire_version"]), (0, 0), "after that")
    wait_until(lambda: any(
        e["version"] == current and b"no run that has read" in e["detail"]
        for e in root.events()))
    status(c.call("run.end", workspace="w", run=run2), "OK")
    job.end()
    second.end()
    show("an old version goes with the last run that has read it")


def tries(c, name, version, number, guess=b"guess %d"):
    """So many guesses at the key of a secret: the results of those that were
    answered, and how the others ended."""
    results, ends = set(), set()
    origin = c.origins("w")[name]
    for at in range(0, number, 64):
        for r in c.pipeline([("resync.stage", dict(
                workspace="w", name=name, version=version,
                origin=origin, outcome=wire.VALUE, fields=wire.fields(
                    AccountKey=guess % n if b"%d" in guess else guess)))
                for n in range(at, at + 64)]):
            if r.ok:
                results.add(r.fields["result"])
            else:
                ends.add(r.status_name)
    return results, ends


def who_may_not_read_guesses_little(t, d, c):
    """Who has a resync compare learns whether what he says is the value: so
    many times, when he may not read it."""
    version, value = max(versions(c, "b")), key(c, "b")
    job = t.agent(JOB).connect(d.socket)
    for who in (job, c):
        status(begin(who, dry_run=1), "OK")
    # All secrets of a resync, each of them twice, are not too many.
    same(tries(job, "b", version, 8192), ({wire.UPDATED}, set()),
         "wrong guesses")
    check("BUSY" in tries(job, "b", version, 8192)[1], "nobody stops him")
    # It comes back meanwhile, and is used up again.
    for guess, result in ((b"wrong", wire.UPDATED), (value, wire.UNCHANGED)):
        same(tries(job, "b", version, 8192, guess), ({result}, {"BUSY"}),
             "more of %r" % guess)
    status(stage(job, "b", version, outcome=wire.FAILED, problem="none"),
           "OK", "what tells nothing of the value")
    same(tries(c, "b", version, 8192 * 2), ({wire.UPDATED}, set()),
         "those of who may read it")
    show("who may not read a secret can't have a resync guess it")


def a_reply_that_is_too_large(root, c, other):
    """When what was skipped does not fit a reply, nothing of it is kept."""
    def all_of(who, op, more={}, **values):
        for at in range(0, len(names), 32):
            for r in who.pipeline([(op, dict(workspace="w", name=n, **values,
                                             **more.get(n, {})))
                                   for n in names[at:at + 32]]):
                status(r, "OK", op)

    names = ["%s%04d" % ("n" * 123, i) for i in range(1024)]
    value = dict(kind=wire.STORAGE, fields=wire.fields(
        AccountName=b"acc", AccountKey=b"key"))
    all_of(c, "secret.put", **value)
    all_of(c, "secret.source", source="file")
    version, old = max(versions(c, "b")), key(c, "b")
    status(begin(c), "OK")
    status(stage(c, "b", version, key=b"never told of"), "OK")
    all_of(c, "resync.stage", {n: dict(origin=o) for n, o in
                               c.origins("w").items()},
           version=1, outcome=wire.FAILED, problem="none")
    all_of(other, "secret.put", **value)
    before = epoch(root)
    # Nor is anything else refused for it, that may be in the same turn.
    for _ in range(60):
        c.send("resync.commit", workspace="w", grace=GRACE, repair=0)
        other.send("secret.get", workspace="w", name="b")
        status(c.receive(), "TOO_LARGE", "a reply with 1024 long names")
        status(other.receive(), "OK", "what somebody else asks meanwhile")
    same((key(c, "b"), max(versions(c, "b")), epoch(root)),
         (old, version, before), "what is left of the commit")
    check(all(e["status"] != 0 for e in root.events() if e["epoch"] > before),
          "a record says that it was kept")
    resync(c, "b", version, b"told of")
    same(key(c, "b"), b"told of", "the next one")
    all_of(c, "secret.delete")
    show("a commit whose reply would not fit is none")


def behind_another_write(t):
    """A large commit has room also behind a small write in its turn, for
    which the file has not grown."""
    def used():
        return int(k.report()["store"].split()[2])

    def file_size():
        return os.stat(os.path.join(d.state_dir, "data.mdb")).st_size >> 10

    def all_of(op, each):
        for i in range(0, len(names), 16):
            for r in k.pipeline([(op, dict(workspace="w", name=n, **each(n)))
                                 for n in names[i:i + 16]]):
                status(r, "OK", op)

    def fields(text):
        return wire.fields(value=text * 1000)

    d = t.daemon(keyfile=t.keyfile(harness.KEY, "behind"))
    k = d.init()
    status(k.call("workspace.create", workspace="w"), "OK")
    names = ["n%d" % i for i in range(800)]
    all_of("secret.put", lambda n: dict(fields=fields(b"old..")))
    all_of("secret.source", lambda n: dict(source="file"))
    n, first = 0, file_size()
    for size, near in ((9000, 900), (1, 240)):
        while used() + 4096 + near < first:
            status(k.put("w", "more%d" % n, dict(value=b"x" * size)), "OK")
            n += 1
    same(file_size(), first, "KiB of the file")
    origins = k.origins("w")
    status(begin(k), "OK")
    all_of("resync.stage", lambda n: dict(
        version=1, origin=origins[n], outcome=wire.VALUE,
        fields=fields(b"new..")))
    rs = k.pipeline([("secret.delete", dict(workspace="w", name="more0")),
                     ("resync.commit", dict(workspace="w", grace=GRACE,
                                            repair=0))])
    same([r.status_name for r in rs], ["OK", "OK"], "a delete and a commit")
    same(rs[1].fields["updated"], len(names), "new versions")
    check(file_size() > first, "the file has not grown for it")
    d.stop()
    show("a large commit has room behind a small write")


def staged_in_a_turn_that_fails(t):
    """What was answered as not done is not staged: it can be, once more."""
    if not faults.can_be(t):
        return
    keyfile = t.keyfile(harness.KEY, "failing")
    f = faults.Faults(t, keyfile=keyfile)
    d = f.daemon.start()
    k = d.init(harness.slot_key(harness.KEY))
    status(k.call("workspace.create", workspace="w"), "OK")
    status(k.put("w", "a", dict(value=b"old")), "OK")
    status(k.call("secret.source", workspace="w", name="a", source="file"),
           "OK")
    request = dict(workspace="w", name="a", version=1, outcome=wire.VALUE,
                   origin=k.origins("w")["a"], fields=wire.fields(value="new"))
    failed, nth, count = 0, 0, 0
    while nth <= count:
        nth += 1
        k = d.connect()
        status(begin(k), "OK")
        f.fail(faults.CALL, nth, errno.ENOSPC)
        k.send_raw(wire.request("resync.stage", 1, **request) +
                   wire.request("secret.put", 2, workspace="w", name="other",
                                fields=wire.fields(value="x")))
        first, put = k.receive(), k.receive()
        count = f.none()
        if first and first.status_name in ("STORE_FULL", "STORE_FAILED"):
            status(k.call("resync.stage", **request), "OK",
                   "to stage it again, call %d" % nth)
            failed += 1
        d.kill()
        d.start()
    check(failed > 0, "no turn has failed")
    d.kill()
    show("what %d turns staged that failed could be staged again" % failed)


def a_restart_keeps_the_ends(d, c):
    current = max(versions(c, "c"))
    old = key(c, "c")
    resync(c, "c", current, b"c-new", grace=GRACE)
    resync(c, "c", current + 1, b"c-newer", grace=2)
    d.kill()
    d.start()
    root = d.connect()
    if root.state() == wire.LOCKED:
        status(root.call("vault.unlock", key=harness.KEY), "OK")
    return root, current, old


def access_and_values(root, c, agent):
    """The identity's grants and a new value, in one commit."""
    status(agent.get("w", "a"), "OK", "the agent at first")
    status(root.call("identity.revoke", workspace="w"), "OK")
    status(agent.get("w", "a"), "DENIED", "without its access")
    before = epoch(root)
    status(begin(c), "OK")
    status(stage(c, "a", max(versions(c, "a")), key=b"repaired"), "OK")
    f = status(commit(c, repair=1), "OK").fields
    same(sorted(i["role"] for i in f["restored"]),
         [b"agent", b"secrets-officer"], "what was put back")
    same(epoch(root), before + 1, "the epoch")
    same(key(agent, "a"), b"repaired", "the agent, on the same connection")
    f = status(begin(c), "OK")
    f = status(commit(c), "OK").fields
    same(f["restored"], [], "what is missing then")
    show("access and values are repaired in one commit")


def no_room_for_the_repair(root):
    """A repair that has no room writes nothing, and fails alone: it takes
    with it nobody who shares its turn."""
    status(root.call("workspace.create", workspace="crowd"), "OK")
    status(root.call("identity.revoke", workspace="crowd"), "OK")
    users = [(50100 + n, wire.READER) for n in range(253)]
    for i in range(0, len(users), 32):
        for r in root.pipeline([("grant.add", dict(
                workspace="crowd", principal=wire.USER, id=u, role=role))
                for u, role in users[i:i + 32]]):
            status(r, "OK")
    status(root.put("crowd", "n", dict(value=b"v")), "OK")
    status(root.call("secret.source", workspace="crowd", name="n",
                     source="file"), "OK")
    status(root.call("resync.begin", workspace="crowd"), "OK")
    status(root.call("resync.stage", workspace="crowd", name="n", version=1,
                     origin=root.origins("crowd")["n"], outcome=wire.VALUE,
                     fields=wire.fields(value=b"new")), "OK")
    status(root.call("grant.add", workspace="crowd", principal=wire.USER,
                     id=50099, role=wire.READER), "OK")
    request = ("resync.commit", dict(workspace="crowd", grace=0, repair=1))
    before = epoch(root)
    for _ in range(20):
        rs = root.pipeline([("secret.get", dict(workspace="crowd", name="n")),
                            request, ("secret.get", dict(workspace="crowd",
                                                         name="n"))])
        same([r.status_name for r in rs], ["OK", "LIMIT", "OK"],
             "a commit that can't repair, and what shares its turn")
    same(epoch(root), before, "the epoch")
    status(root.call("grant.remove", workspace="crowd", principal=wire.USER,
                     id=50099, role=wire.READER), "OK")
    f = status(root.call(request[0], **request[1]), "OK").fields
    same((f["updated"], len(f["restored"])), (1, 2), "with room")
    show("a repair without room hurts nobody else")


def a_deleted_one(t, d, root, c, agent):
    """A deleted workspace has no resync; old versions end there all the
    same; what is staged is none of its identity's."""
    current = max(versions(c, "b"))
    job, own, _ = run_of(t, d, c, ["b"])
    status(own.get("w", "b"), "OK")
    resync(c, "b", current, b"held")
    status(begin(c), "OK")
    status(root.call("workspace.delete", workspace="w"), "OK")
    status(commit(c, repair=1), "DENIED", "a commit there")
    wait_until(lambda: any(
        e["version"] == current and b"no run that has" in e["detail"] and
        e["object"] == b"w/b" for e in root.events()))
    job.end()
    status(root.call("workspace.undelete", workspace="w"), "OK")
    check(current not in versions(c, "b"), "the old version is there again")
    status(agent.get("w", "b"), "DENIED", "the identity of one that is back")
    status(begin(c), "OK")
    f = status(commit(c, repair=1), "OK").fields
    same(len(f["restored"]), 2, "grants that were put back")
    same(key(agent, "b"), b"held", "the identity, on the same connection")
    show("a resync repairs what was deleted and brought back")


def the_log(root):
    """Each item, who brought it, its versions and digests; never a value."""
    staged = [e for e in root.events()
              if wire.CODE_NAME.get(e["op"]) == "resync.stage" and
              e["status"] == 0]
    details = [e["detail"].decode() for e in staged]
    check(any(d.startswith("staged 1 -> 2, ") for d in details), "staged")
    check(any(d.startswith("unchanged, ") for d in details), "unchanged")
    check("no answer" in details, "failed")
    same({e["object"].split(b"/")[0] for e in staged}, {b"w"}, "the objects")
    for e in root.events():
        for value in (b"new-a", b"by-job", b"fourth", b"serial-8"):
            check(value not in e["detail"] + e["object"], "a value is there")
    show("%d answers are in the log, each with its digests" % len(staged))


def test(t):
    d = t.daemon()
    root, c = make(t, d)
    other = t.agent(OTHER).connect(d.socket)
    reader = t.agent(READER).connect(d.socket)
    agent = t.agent(AGENT).connect(d.socket)
    sources_are_kept(c, reader)
    all_at_once(root, c)
    nothing_new_writes_nothing(root, c)
    one_at_a_time(t, d, root, c, other)
    who_may(t, d, root, c, reader, agent)
    bad_answers(c)
    what_is_secret(c, reader)
    who_was_quicker(c, other)
    whose_source_was_taken_away(c, other)
    serials(c)
    the_grace(t, d, root, c)
    many_graces(root, c)
    the_holders(t, d, root, c)
    access_and_values(root, c, agent)
    a_deleted_one(t, d, root, c, agent)
    the_log(root)
    root, version, old = a_restart_keeps_the_ends(d, c)
    c = t.agent(CONTRIB).connect(d.socket)
    same(key(c, "c", version=version), old, "the old one after a restart")
    wait_until(lambda: gone(c, "c", version + 1))
    # Not given out any more, and deleted too.
    wait_until(lambda: any(
        e["version"] == version + 1 and e["object"] == b"w/c" and
        b"its grace is over" in e["detail"] for e in root.events()))
    check(version + 1 not in versions(c, "c"), "it is still in the list")
    same(key(c, "c"), b"c-newer", "the current one after a restart")
    show("a restart keeps the ends of old versions")
    who_may_not_read_guesses_little(t, d, c)
    no_room_for_the_repair(root)
    a_reply_that_is_too_large(root, c, t.agent(OTHER).connect(d.socket))
    d.stop()
    behind_another_write(t)
    staged_in_a_turn_that_fails(t)


harness.main(test)
