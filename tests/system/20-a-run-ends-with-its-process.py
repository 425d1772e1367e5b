#!/usr/bin/env python3
"""A run: who is it, what may it, and when is that over.

A run's process reads the run's secrets and can do nothing else.  That is
over, with its connections and tokens, when the process is killed, when
somebody ends the run, or when its time is over; a restart of the daemon ends
those alone whose process is gone.
"""
import os
import signal
import socket
import sys
import time
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus
sys.dont_write_bytecode = True

import cgroups
import cofre_wire as wire
import harness
from expect import check, same, show, status
from people import start_of

OWNER, USER, OTHER, AGENT, SOME = 49001, 49002, 49003, 49004, 49005


def person(t, uid):
    """A process that has become that user, in every respect."""
    a = t.agent(uid)
    a.do(os.getpid)
    return a


def process(agent, **more):
    """A request for a run of that process."""
    values = dict(workspace="w", target=wire.PROCESS, pid=agent.pid,
                  start=start_of(agent.pid), uid=wire.NO_ID,
                  secrets=[dict(name="a")])
    values.update(more)
    return values


def token_only(**more):
    return dict(dict(workspace="w", target=wire.TOKEN_ONLY, uid=wire.NO_ID,
                     token=1, secrets=[dict(name="a")]), **more)


def begin(c, **values):
    """Start a run: its id and token."""
    f = status(c.call("run.start", **values), "OK", "run.start").fields
    return f["run"], f["token"]


def shown(c, run):
    return status(c.call("run.show", workspace="w", run=run), "OK").fields


def details(root, run):
    """What the log says of the end of a run, in its order."""
    return [(e["detail"].decode(), e["object"].decode(), e["version"])
            for e in root.events() if wire.CODE_NAME.get(e["op"]) ==
            "run.end" and e["status"] == 0 and
            run.hex() in e["detail"].decode()]


def told(root, run, why, read=()):
    """The end record, and one for each (name, version, times)."""
    want = [("run %s: %s; read %d of %d secrets" %
             (run.hex(), why, len(read), shown(root, run)["secrets"]),
             "w", 0)]
    want += [("run %s read it %d times" % (run.hex(), n), "w/" + name, v)
             for name, v, n in read]
    same(details(root, run), want, "the records of the end")


def is_closed(c, limit=10.0):
    """Wait until the daemon closes the connection."""
    c.socket.settimeout(limit)
    try:
        return c.socket.recv(1) == b""
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False


def make(t, d):
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    status(root.call("workspace.create", workspace="x"), "OK")
    for uid, role in ((OWNER, wire.OWNER), (USER, wire.CONTRIBUTOR)):
        for w in ("w", "x"):
            status(root.call("grant.add", workspace=w, principal=wire.USER,
                             id=uid, role=role), "OK")
    for w in ("w", "x"):    # an operator, and no owner
        status(root.call("grant.remove", workspace=w, principal=wire.USER,
                         id=0, role=""), "OK")
    c = person(t, USER).connect(d.socket)
    for w in ("w", "x"):
        for name in ("a", "b", "c"):
            status(c.put(w, name, dict(value=b"of " + name.encode())), "OK")
    return root, c


def not_by_who_may_in_part(root, c, some, run):
    """What a run has besides its secrets, or instead of them, takes the right
    to all names."""
    def tried(run, *want):
        got = [some.call(op, workspace="w", run=run).status_name
               for op in ("run.show", "run.renew", "run.end")]
        same(got, list(want), "shown, renewed and ended")

    tried(run, "DENIED", "DENIED", "DENIED")
    listed = status(some.call("run.list", workspace="w"), "OK").fields
    same([r["run"] for r in listed["items"] if r["run"] == run], [],
         "it in the list")
    # One with a secret of his own names, that may use targets.
    run, _ = begin(c, **token_only())
    tried(run, "OK", "DENIED", "OK")
    # Neither right to targets is enough without the other.
    for actions, data in ((["*"], []), ([], ["workspaces/targets/*"])):
        status(root.call("role.put", name="some-of-it",
                         **wire.role(actions=actions, data=data)), "OK")
        status(root.call("grant.add", workspace="w", principal=wire.USER,
                         id=SOME, role="some-of-it"), "OK")
        run, _ = begin(c, **token_only())
        tried(run, "OK", "DENIED", "OK")
        status(root.call("grant.remove", workspace="w", principal=wire.USER,
                         id=SOME, role="some-of-it"), "OK")


def without_secrets(t, d, root, c):
    """For the targets of the workspace: who may start any run there, and use
    them himself, may start one; it reads nothing."""
    worker, partly = person(t, USER), person(t, SOME)
    status(root.call("grant.add", workspace="w", principal=wire.USER, id=SOME,
                     role=wire.CONTRIBUTOR, prefix="a"), "OK")
    some = partly.connect(d.socket)
    status(some.call("run.start", **process(partly, secrets=[])), "DENIED",
           "by who may for some names")
    run, _ = begin(some, **process(partly))
    status(c.call("run.end", workspace="w", run=run), "OK")
    run, _ = begin(c, **process(worker, secrets=[]))
    own = worker.connect(d.socket)
    status(own.get("w", "a"), "DENIED", "a secret")
    status(own.call("target.reach", workspace="w", name="none"), "NOT_FOUND",
           "a target")
    same(shown(root, run)["secrets"], 0, "secrets of it")
    not_by_who_may_in_part(root, c, t.agent(SOME).connect(d.socket), run)
    status(c.call("run.end", workspace="w", run=run), "OK")
    for one in (worker, partly):
        one.end()
    status(root.call("grant.remove", workspace="w", principal=wire.USER,
                     id=SOME, role="", prefix="a"), "OK")


def it_reads_its_secrets_and_nothing_else(t, d, root, c):
    worker = person(t, USER)
    own = worker.connect(d.socket)
    status(own.get("w", "c"), "OK", "before the run")
    run, token = begin(c, **process(worker, label="epoch 7",
                                    snapshot=b"\1\2"))
    same(token, b"", "the token that nobody asked for")
    r = status(own.get("w", "a"), "OK", "its secret")
    same(r.values(), {"value": b"of a"}, "its secret")
    status(own.call("secret.show", workspace="w", name="a"), "OK")
    r = status(own.call("secret.list", workspace="w"), "OK", "its list")
    same([i["name"] for i in r.fields["items"]], [b"a"], "its list")
    for w, name in (("w", "b"), ("x", "a"), ("w", "nothing"), ("y", "a")):
        status(own.get(w, name), "DENIED", "%s/%s" % (w, name))
    status(own.put("w", "a", dict(value=b"x")), "DENIED", "its put")
    for op in ("run.list", "grant.list", "workspace.show", "activity.read"):
        status(own.call(op, workspace="w"), "DENIED", "its " + op)
    status(own.call("run.end", workspace="w", run=run), "DENIED")
    status(own.call("run.start", **process(worker)), "DENIED")
    status(own.call("run.attach", token="x"), "DENIED")
    same([(i["name"], i["uid"], i["secrets"]) for i in
          own.call("workspace.list").fields["items"]],
         [(b"w", wire.NO_ID, 2**64 - 1)], "its workspaces")
    status(c.get("w", "b"), "OK", "another process of its user")
    second = worker.connect(d.socket)
    status(second.get("w", "a"), "OK", "on a second connection")
    f = shown(c, run)
    same((f["state"], f["target"], f["pid"], f["uid"], f["label"],
          f["snapshot"], f["by"], f["reads"]),
         (wire.ACTIVE, wire.PROCESS, worker.pid, USER, b"epoch 7", b"\1\2",
          USER, 2), "what is shown")
    same([(i["name"], i["version"], i["reads"]) for i in f["items"]],
         [(b"a", 1, 2)], "what it has read")
    read = [e for e in root.events("", 0) if e["op"] == 49 and
            e["principal"] == wire.RUN]
    same([e["principal_id"] for e in read],
         [int.from_bytes(run[:4], "big")] * 2, "as whom it has read")
    show("a run reads its own secrets, and can do nothing else")
    return worker, run


def it_is_ended(t, d, root, c, worker, run):
    there = worker.connect(d.socket)
    status(c.call("run.end", workspace="w", run=run), "OK")
    told(root, run, "ended on request", [("a", 1, 2)])
    try:
        r = there.get("w", "a")
    except (BrokenPipeError, ConnectionResetError):
        r = None
    status(r, "CLOSED", "its connection after the end")
    again = worker.connect(d.socket)
    for op in ("secret.list", "run.list", "workspace.show"):
        status(again.call(op, workspace="w"), "RUN_ENDED", "then " + op)
    status(again.get("w", "a"), "RUN_ENDED")
    status(again.call("run.start", **process(worker)), "RUN_ENDED")
    status(c.call("run.end", workspace="w", run=run), "OK", "a second end")
    same(len(details(root, run)), 3, "records, with that of the second end")
    status(c.call("run.renew", workspace="w", run=run), "RUN_ENDED")
    same(shown(c, run)["state"], wire.OVER, "its state")
    status(c.get("w", "a"), "OK", "its user, in another process")
    worker.end()
    show("a run that is ended leaves its process nothing")


def who_may_be_named(t, d, root, c):
    stranger, worker = person(t, OTHER), person(t, USER)
    status(c.call("run.start", **process(stranger)), "NO_PROCESS",
           "a process of somebody else")
    status(c.call("run.start", **process(worker, start=1)), "NO_PROCESS",
           "a wrong start")
    status(c.call("run.start", **process(worker, uid=OTHER)), "NO_PROCESS",
           "for somebody else's connections")
    gone = person(t, USER)
    values = process(gone)
    gone.end()
    status(c.call("run.start", **values), "NO_PROCESS", "one that is gone")
    status(c.call("run.start", **process(worker, pid=2 ** 31 + 5)),
           "NO_PROCESS", "no pid")
    status(c.call("run.start", **process(worker, lifetime=86401)), "INVALID")
    status(c.call("run.start", **process(worker, target=3)), "INVALID")
    status(c.call("run.start", **token_only(token=0)), "INVALID")
    status(c.call("run.start", **process(
        worker, secrets=[dict(name="a"), dict(name="a")])), "INVALID")
    status(c.call("run.start", **process(
        worker, secrets=[dict(name="nothing")])), "NOT_FOUND")
    status(stranger.connect(d.socket).call("run.start", **process(stranger)),
           "DENIED", "by a stranger")
    status(root.call("run.start", **process(worker)), "DENIED",
           "by an operator without a role")
    without_secrets(t, d, root, c)
    run, _ = begin(c, **process(worker))
    status(c.call("run.start", **process(worker)), "CONFLICT", "twice")
    worker.kill()
    stranger.end()
    show("a run is given to processes of one's own alone")


def it_dies_with_its_process(t, d, root, c):
    worker, helper = person(t, USER), person(t, USER)
    run, token = begin(c, **process(worker, token=1, secrets=[
        dict(name="a"), dict(name="b")]))
    status(worker.connect(d.socket).get("w", "b"), "OK")
    joined = helper.connect(d.socket)
    f = status(joined.call("run.attach", token=token), "OK").fields
    same((f["run"], f["workspace"]), (run, b"w"), "what was joined")
    status(joined.get("w", "a"), "OK", "as who has the token")
    status(joined.get("w", "c"), "DENIED", "what the run has not")
    os.kill(worker.pid, signal.SIGKILL)
    check(helper.do(closed_within, d.socket, token), "")
    worker.end()
    told(root, run, "its process has ended", [("a", 1, 1), ("b", 1, 1)])
    status(helper.connect(d.socket).call("run.attach", token=token),
           "DENIED", "its token")
    same(shown(c, run)["state"], wire.OVER, "its state")
    helper.end()
    show("kill -9 ends the run, its connections and its token")


def closed_within(path, token):
    """In an agent: until the token is dead; its connection is then closed."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        c = wire.Connection(path)
        r = c.call("run.attach", token=token)
        if r is None or r.status_name == "DENIED":
            return True
        if is_closed(c, 0.05):
            return True
    return False


def tokens(t, d, root, c):
    run, token = begin(c, **token_only(uid=OTHER))
    same((len(token), token[:8]), (57, b"cofre_r_"), "the token")
    stranger, user = person(t, OTHER), person(t, USER)
    for bad in (b"", token[:-1], token + b"0", token[:10] + b"!" + token[11:],
                token.swapcase(), b"x" * 57):
        status(stranger.connect(d.socket).call("run.attach", token=bad),
               "DENIED", repr(bad[:12]))
    status(user.connect(d.socket).call("run.attach", token=token), "DENIED",
           "another uid with the token")
    own = stranger.connect(d.socket)
    status(own.get("w", "a"), "DENIED", "before it shows the token")
    status(own.call("run.attach", token=token), "OK")
    status(own.call("run.attach", token=token), "OK", "once more")
    status(own.get("w", "a"), "OK", "with the token")
    status(stranger.connect(d.socket).get("w", "a"), "DENIED",
           "a connection that has not shown it")
    status(c.call("run.end", workspace="w", run=run), "OK")
    status(stranger.connect(d.socket).call("run.attach", token=token),
           "DENIED", "after the end")
    stranger.end()
    user.end()
    show("a token is its uid's, and dies with the run")


def lifetimes(t, d, root, c):
    worker = person(t, USER)
    run, token = begin(c, **process(worker, lifetime=1, token=1))
    kept, _ = begin(c, **token_only(lifetime=1))
    status(c.call("run.renew", workspace="w", run=kept, lifetime=3600), "OK")
    status(c.call("run.renew", workspace="w", run=kept, lifetime=86401),
           "INVALID")
    begun = time.monotonic()
    check(worker.do(closed_when_over, d.socket), "its connection stays open")
    took = time.monotonic() - begun
    check(took < 3, "a lifetime of one second took %.1f" % took)
    told(root, run, "its lifetime is over", [("a", 1, 1)])
    status(worker.connect(d.socket).get("w", "a"), "RUN_ENDED")
    same(shown(c, kept)["state"], wire.ACTIVE, "the one that was renewed")
    status(c.call("run.end", workspace="w", run=kept), "OK")
    worker.end()
    show("a lifetime ends a run, unless it is renewed")


def closed_when_over(path):
    c = wire.Connection(path)
    return c.get("w", "a").ok and is_closed(c)


def restarts(t, d, root, c):
    lives, dies = person(t, USER), person(t, USER)
    run, _ = begin(c, **process(lives))
    gone, _ = begin(c, **process(dies))
    over, _ = begin(c, **token_only())
    status(lives.connect(d.socket).get("w", "a"), "OK", "before it")
    d.stop()
    d.start()
    c = t.agent(USER).connect(d.socket)
    status(d.connect().call("vault.unlock", key=harness.KEY), "OK")
    same(shown(c, run)["reads"], 1, "reads before a restart")
    status(c.call("run.end", workspace="w", run=over), "OK")
    d.kill()
    dies.kill()
    d.start()
    root = d.connect()
    status(lives.connect(d.socket).get("w", "a"), "LOCKED")
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    own = lives.connect(d.socket)
    status(own.get("w", "a"), "OK", "after a restart")
    status(own.get("w", "b"), "DENIED", "after a restart")
    c = person(t, USER).connect(d.socket)
    same([shown(c, r)["state"] for r in (run, gone, over)],
         [wire.ACTIVE, wire.OVER, wire.OVER], "states after a restart")
    told(root, gone, "its process or cgroup went while the vault was closed")
    same(len(details(root, over)), 1, "ends of the one that was over before")
    status(root.call("vault.lock"), "OK")
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    status(lives.connect(d.socket).get("w", "a"), "OK", "after a lock")
    os.kill(lives.pid, signal.SIGKILL)
    lives.end()
    end = time.monotonic() + 10
    while shown(c, run)["state"] == wire.ACTIVE:
        check(time.monotonic() < end, "a process that is gone is a run")
    same(len(details(root, gone)), 1, "records of the end")
    show("a restart ends no run whose process lives, and revives none")
    return root, c


def own_cgroup(t, name, uid):
    return cgroups.make(t, "/cofre-test-%d-%s" % (os.getpid(), name), uid)


def of_a_cgroup(t, d, root, c):
    if cgroups.root() is None:
        show("no cgroup can be made here: not tried")
        return
    mine, others = own_cgroup(t, "a", USER), own_cgroup(t, "b", OTHER)
    values = dict(workspace="w", target=wire.CGROUP, uid=wire.NO_ID,
                  secrets=[dict(name="a")])
    at = os.path.basename
    status(c.call("run.start", cgroup="/" + at(others), **values),
           "NO_PROCESS", "somebody else's cgroup")
    for name in ("/nothing-there", "/", "x", "/../x", "/a//b", "/" + "x" * 240):
        r = c.call("run.start", cgroup=name, **values)
        check(r.status_name in ("NO_PROCESS", "INVALID", "BAD_FRAME"), name)
    run, _ = begin(c, cgroup="/" + at(mine), **values)
    status(c.call("run.start", cgroup="/" + at(mine), **values), "CONFLICT")
    inside, below = person(t, OTHER), person(t, OTHER)
    status(inside.connect(d.socket).get("w", "a"), "DENIED", "outside")
    os.mkdir(mine + "/below")
    cgroups.enter(mine, inside.pid)
    cgroups.enter(mine + "/below", below.pid)
    for who in (inside, below):
        own = who.connect(d.socket)
        status(own.get("w", "a"), "OK", "inside")
        status(own.get("w", "b"), "DENIED", "inside")
    beside = person(t, OTHER)
    cgroups.enter(others, beside.pid)
    status(beside.connect(d.socket).get("w", "a"), "DENIED", "beside")
    inside.kill()
    status(below.connect(d.socket).get("w", "a"), "OK", "while one is left")
    below.kill()
    end = time.monotonic() + 10
    while shown(c, run)["state"] == wire.ACTIVE:
        check(time.monotonic() < end, "an empty cgroup is a run")
    told(root, run, "its cgroup is empty", [("a", 1, 3)])
    beside.kill()
    os.rmdir(mine + "/below")
    show("a run of a cgroup ends with the last process in it")


def removed(path):
    """Remove a cgroup, once the kernel has let go of who was in it."""
    end = time.monotonic() + 10
    while True:
        try:
            return os.rmdir(path)
        except OSError:
            check(time.monotonic() < end, "a cgroup can't be removed")


def is_over(root, c, run, why):
    """Wait until it has ended for that reason."""
    end = time.monotonic() + 10
    while shown(c, run)["state"] == wire.ACTIVE:
        check(time.monotonic() < end, "a run goes on: not that " + why)
    check(details(root, run)[0][0].startswith("run %s: %s;" %
                                              (run.hex(), why)), why)


def a_cgroup_made_anew(t, d, root, c):
    """The kernel tells nobody that a cgroup was removed in which nothing has
    ever been.  Another one of its path is not the run, whether the daemon
    had time to notice or not, or the vault was closed meanwhile."""
    if cgroups.root() is None:
        show("no cgroup can be made here: not tried")
        return
    mine = own_cgroup(t, "anew", USER)
    values = dict(workspace="w", target=wire.CGROUP, uid=wire.NO_ID,
                  cgroup="/" + os.path.basename(mine),
                  secrets=[dict(name="a")])
    run, _ = begin(c, **values)
    os.rmdir(mine)
    is_over(root, c, run, "its cgroup is empty")
    cgroups.make(t, "/" + os.path.basename(mine), USER)
    run, _ = begin(c, **values)
    os.rmdir(mine)
    cgroups.make(t, "/" + os.path.basename(mine), OTHER)
    other = person(t, OTHER)
    cgroups.enter(mine, other.pid)
    status(other.connect(d.socket).get("w", "a"), "DENIED",
           "a process of another cgroup of that path")
    is_over(root, c, run, "its cgroup is empty")
    os.chown(mine, USER, USER)
    run, _ = begin(c, **values)
    status(other.connect(d.socket).get("w", "a"), "OK", "as the run")
    status(root.call("vault.lock"), "OK")
    other.kill()
    removed(mine)
    cgroups.make(t, "/" + os.path.basename(mine), OTHER)
    other = person(t, OTHER)
    cgroups.enter(mine, other.pid)
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    status(other.connect(d.socket).get("w", "a"), "DENIED",
           "one that was made while the vault was closed")
    is_over(root, c, run,
            "its process or cgroup went while the vault was closed")
    other.kill()
    show("a cgroup that is removed ends its run; its path made anew is none")


def lists(t, d, root, c):
    runs = [begin(c, **token_only())[0] for _ in range(5)]
    f = status(c.call("run.list", workspace="w"), "OK").fields
    ids = [i["run"] for i in f["items"]]
    same(ids, sorted(ids), "the order of a list")
    check(set(runs) <= set(ids), "a run is not in the list")
    f = status(c.call("run.list", workspace="w", after=ids[2]), "OK").fields
    same([i["run"] for i in f["items"]], ids[3:], "the rest of a list")
    same(status(c.call("run.list", workspace="x"), "OK").fields["items"], [],
         "the list of another workspace")
    status(c.call("run.show", workspace="x", run=runs[0]), "NOT_FOUND")
    status(c.call("run.end", workspace="x", run=runs[0]), "NOT_FOUND")
    for run in runs:
        status(c.call("run.end", workspace="w", run=run), "OK")
    show("runs are listed by their ids, in their workspace")


def workspaces_go(t, d, root, c):
    worker = person(t, USER)
    run, _ = begin(c, **process(worker, workspace="x"))
    status(worker.connect(d.socket).get("x", "a"), "OK")
    status(root.call("workspace.delete", workspace="x"), "OK")
    status(worker.connect(d.socket).get("w", "a"), "RUN_ENDED",
           "after its workspace was deleted")
    same(details(root, run)[0][0], "run %s: its workspace was deleted; "
         "read 1 of 1 secrets" % run.hex(), "the record of the end")
    records = details(root, run)
    status(root.call("vault.lock"), "OK")
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    for when in ("opened anew", "opened anew, with its workspace"):
        status(worker.connect(d.socket).get("x", "a"), "RUN_ENDED", when)
        root.call("workspace.undelete", workspace="x")
    same(status(root.call("run.show", workspace="x", run=run),
                "OK").fields["state"], wire.OVER, "the run")
    same(details(root, run), records, "what is recorded of it, after all")
    worker.end()
    show("a run ends with its workspace, and does not come back with it")


def purged(t, d, root, c):
    """A workspace that is destroyed leaves its runs' processes nothing, for
    as long as they live."""
    worker, dies = person(t, USER), person(t, USER)
    status(root.call("workspace.undelete", workspace="x"), "CONFLICT")
    run, _ = begin(c, **process(worker, workspace="x", label="a label"))
    begin(c, **process(dies, workspace="x"))
    status(root.call("workspace.delete", workspace="x"), "OK")
    dies.kill()
    status(root.call("workspace.purge", workspace="x"), "OK")
    status(worker.connect(d.socket).get("w", "a"), "RUN_ENDED", "purged")
    for when in ("opened anew", "opened once more"):
        status(root.call("vault.lock"), "OK")
        status(root.call("vault.unlock", key=harness.KEY), "OK")
        status(worker.connect(d.socket).get("w", "a"), "RUN_ENDED", when)
    d.stop()
    d.start()
    root = d.connect()
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    status(worker.connect(d.socket).get("w", "a"), "RUN_ENDED", "restarted")
    status(person(t, USER).connect(d.socket).get("w", "a"), "OK",
           "another process of its user")
    worker.end()
    show("a purge gives the processes of its runs nothing back")


def unanswered(t):
    """A look at unlock that is not answered ends a run, but says nothing of
    who is in its cgroup.  There are no other runs that the witness could
    stop at."""
    d = t.daemon()
    root, c = make(t, d)
    worker, run = person(t, USER), None
    if cgroups.root() is not None:
        mine = own_cgroup(t, "late", USER)
        run, _ = begin(c, workspace="w", target=wire.CGROUP, uid=wire.NO_ID,
                       cgroup="/" + os.path.basename(mine),
                       secrets=[dict(name="a")])
        inside = person(t, USER)
        cgroups.enter(mine, inside.pid)
    begin(c, **process(worker))
    status(root.call("vault.lock"), "OK")
    go_on = harness.stop_witness(d)
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    try:
        go_on()
    except ProcessLookupError:
        pass
    for who in [worker] + ([inside] if run else []):
        status(served(who, d), "RUN_ENDED", "after a late look")
    status(root.call("vault.lock"), "OK")
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    for who in [worker] + ([inside] if run else []):
        status(served(who, d), "RUN_ENDED", "after another unlock")
        who.kill()
    d.stop()
    show("a look that is not answered gives nobody his rights back")


def served(who, d):
    """What it gets, once the witness is there again."""
    end = time.monotonic() + 10
    while True:
        try:
            r = who.connect(d.socket).get("w", "b")
        except wire.WireError as e:     # its hello was refused
            check("BUSY" in str(e), str(e))
            r = None
        if r is not None and r.status_name != "BUSY":
            return r
        check(time.monotonic() < end, "nobody is looked at any more")


def leaks(t, d, root, c):
    """A secret that stands in a text is found, in every form."""
    value = b"+a secret, 7%/"
    status(c.put("w", "c", dict(value=value)), "OK")
    status(c.put("w", "short", dict(value=b"abc1")), "OK")
    texts = [b"PATH=/bin", b"value", b"xabc1", b"C=" + value[:-1]]
    found = [
        value, b"x" + value + b"y", b"V=" + quote(value).encode(),
        b"V=" + quote_plus(value).encode(), b64encode(value),
        b"Basic " + b64encode(b"user:" + value),
        b"--a=" + b64encode(b"12" + value), urlsafe_b64encode(value),
        b"abc1", b"A=abc1"]
    for n, text in enumerate(found):
        f = scan(c, texts + [text])
        same((f["found"], f["name"]), (len(texts) + 1,
                                       b"c" if n < 8 else b"short"),
             "what is found in %r" % text)
    same(scan(c, texts)["found"], 0, "in texts without a secret")
    same(scan(c, [])["found"], 0, "in no text")
    status(t.agent(OTHER).connect(d.socket).call("run.scan", workspace="w"),
           "DENIED", "a stranger's question")
    many = [b"%d" % i for i in range(1024)]
    same(scan(c, many)["found"], 0, "in many texts")
    for text in (b"x" * 65536, b"%41+" * 16384):
        same(scan(c, [text])["found"], 0, "in a long text")
    # Who tries out values leaves a record, and learns none that he may not
    # give to a run.
    told = [e["detail"] for e in root.events()
            if e["op"] == wire.OPERATIONS["run.scan"][0]]
    check(b"text 5 of 5 holds c" in told, "the records: %r" % told)
    status(root.call("role.put", name="Runner", if_version=wire.ANY_VERSION,
                     **wire.role(actions=["workspaces/runs/*"])), "OK")
    grant = dict(workspace="w", principal=wire.USER, id=OTHER, role="Runner")
    status(root.call("grant.add", **grant), "OK")
    same(scan(t.agent(OTHER).connect(d.socket), [value])["found"], 0,
         "by one who may neither read nor use it")
    status(root.call("grant.remove", **grant), "OK")
    show("a secret is found in a text, in every form")


def scan(c, texts):
    return status(c.call("run.scan", workspace="w",
                         texts=[dict(text=x) for x in texts]), "OK").fields


def itself(t, d, root):
    """A run may be of who starts it; the identity's may use what it may."""
    worker = person(t, USER)
    own = worker.connect(d.socket)
    run, _ = begin(own, **process(worker))
    status(own.get("w", "a"), "OK")
    status(own.get("w", "b"), "DENIED", "once it is a run")
    worker.end()
    status(root.call("identity.bind", workspace="w", uid=AGENT), "OK")
    status(root.call("identity.revoke", workspace="w"), "OK")
    agent = person(t, AGENT)
    own = agent.connect(d.socket)
    status(own.call("run.start", **process(agent)), "DENIED", "revoked")
    status(root.call("grant.add", workspace="w", principal=wire.IDENTITY,
                     id=0, who="w", role="agent"), "OK")
    status(own.get("w", "a"), "DENIED", "who may only use it")
    status(own.call("run.start", **token_only()), "DENIED", "a token for it")
    begin(own, **process(agent))
    status(own.get("w", "a"), "OK", "as its run")
    agent.end()
    show("a process can become a run, and use as one what it may not read")


def test(t):
    d = t.daemon()
    root, c = make(t, d)
    worker, run = it_reads_its_secrets_and_nothing_else(t, d, root, c)
    it_is_ended(t, d, root, c, worker, run)
    who_may_be_named(t, d, root, c)
    it_dies_with_its_process(t, d, root, c)
    tokens(t, d, root, c)
    lifetimes(t, d, root, c)
    root, c = restarts(t, d, root, c)
    of_a_cgroup(t, d, root, c)
    a_cgroup_made_anew(t, d, root, c)
    lists(t, d, root, c)
    leaks(t, d, root, c)
    itself(t, d, root)
    workspaces_go(t, d, root, c)
    purged(t, d, root, c)
    d.stop()
    unanswered(t)


harness.main(test, limit=120)
