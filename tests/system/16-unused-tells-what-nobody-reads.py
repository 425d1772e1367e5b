"""cofre unused: by the activity log, what nobody has read since a time."""
import datetime
import json
import os
import subprocess

import cofre_wire as wire
import harness
from expect import same, show, status

READER, STRANGER = 41201, 41202


def rfc3339(us):
    t = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)
    return t.isoformat(timespec="microseconds") + "Z"


def unused(t, d, *since, uid=None, warned=False):
    more = dict(user=uid, group=uid, extra_groups=[]) if uid else {}
    done = subprocess.run([t.cofre(), "--socket", d.socket, "unused", "w",
                           "--json", *since], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **more)
    same(done.returncode, 0, "exit code: %r" % done.stderr)
    same(b"does not reach back" in done.stderr, warned, "a warning")
    return [row["name"] for row in json.loads(done.stdout)]


def put(c, name):
    status(c.call("secret.put", workspace="w", name=name, fields=[
        dict(name="value", flags=1, value=b"v")]), "OK", "put " + name)


def read(c, name, times=1):
    for _ in range(times):
        status(c.call("secret.get", workspace="w", name=name), "OK",
               "get " + name)


def last_time(root):
    """When the last record was made; what follows is later."""
    return max(e["time"] for e in root.events("w"))


def test(t):
    harness.need_root()
    d = t.daemon(dict(log_segment="64K"))
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK", "workspace")
    for who, role in ((0, wire.CONTRIBUTOR), (READER, wire.READER)):
        status(root.call("grant.add", workspace="w", principal=wire.USER,
                         id=who, role=role), "OK", "grant")
    for name in ("early", "late", "never", "denied", "deleted"):
        put(root, name)
    status(root.call("workspace.create", workspace="w"), "EXISTS", "again")
    read(root, "early", 1500)           # several pages, several segments
    read(root, "late")
    then = last_time(root) + 1
    late = t.agent(STRANGER).connect(d.socket)
    status(late.call("secret.get", workspace="w", name="denied"), "DENIED",
           "a stranger")
    put(root, "new")
    read(root, "late", 3)
    status(root.call("secret.delete", workspace="w", name="deleted"), "OK",
           "delete")
    since = ("--since", rfc3339(then))
    want = ["denied", "early", "never"]
    same(unused(t, d, *since), want, "not read since then")
    same(unused(t, d, *since, uid=READER), want, "as a reader sees it")
    read(root, "never")
    same(unused(t, d, *since), ["denied", "early"], "after one was read")
    same(unused(t, d, "--since", "1980-01-01T00:00:00Z"), [], "since 1970")
    same(unused(t, d, "--days", "1"), [], "all of it is of today")
    later = rfc3339(last_time(root) + 1)
    same(unused(t, d, "--since", later),
         ["denied", "early", "late", "never", "new"], "read by nobody yet")
    show("what was read, denied, deleted or made since is told apart")

    for bad in (("--days", "0"), ("--days", "x"), ("--days", "36501"),
                ("--since", "yesterday"), (), ("--days", "1", *since)):
        t.run_cofre(d, "unused", "w", *bad, code=2)
    t.run_cofre(d, "unused", "w", "--days", "1", uid=STRANGER, code=5)
    t.run_cofre(d, "unused", "nope", "--days", "1", code=6)
    show("what makes no sense is refused, and so is who may not")

    # The record of a read is damaged: then nothing can be told.
    d.stop()
    logs = os.path.join(d.state_dir, "activity")
    path = os.path.join(logs, sorted(os.listdir(logs))[1])
    whole = harness.read_file(path)
    with open(path, "r+b") as f:
        f.seek(200 * 128 + 20)
        f.write(bytes([whole[200 * 128 + 20] ^ 1]))
    d.start()
    status(d.connect().call("vault.unlock", key=harness.KEY), "OK", "unlock")
    t.run_cofre(d, "unused", "w", "--since", "1980-01-01T00:00:00Z", code=13)
    with open(path, "r+b") as f:
        f.write(whole)
    show("a damaged log tells nothing")

    # The administrator moves old segments away: the log forgets.
    d.stop()
    segments = sorted(os.listdir(logs))
    os.unlink(os.path.join(logs, segments[0]))
    d.start()
    root = d.connect()
    status(root.call("vault.unlock", key=harness.KEY), "OK", "unlock")
    same(unused(t, d, *since), ["denied", "early"], "a log that is shorter")
    same(unused(t, d, "--since", "1980-01-01T00:00:00Z", warned=True), [],
         "a log that does not reach back")
    show("a log that does not reach back far enough is said to be")
    d.stop()


harness.main(test, limit=60)
