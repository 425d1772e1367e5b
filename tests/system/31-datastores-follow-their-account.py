#!/usr/bin/env python3
"""A datastore follows its storage account's credential.

It has no key of its own: who gets it gets the key that the credential has
then, so a new key is written once and reaches all of them.  Nobody gives
others a key by it that he may not read, and who may read the datastore alone
gets no more than that.
"""
import base64
import json
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status

OWNER, NARROW, PUTTER, RUNNER = 49101, 49102, 49103, 49104
BLOB, FILE, GEN1, GEN2, SQL = 1, 2, 3, 4, 5     # types of datastores
DATASTORES = 100


def key(n):
    return base64.b64encode(bytes([n]) * 64)


def secret(name, value):
    return dict(name=name, flags=wire.SECRET, value=value)


def plain(name, value):
    return dict(name=name, flags=0, value=value)


def account(n, more=()):
    return [plain("AccountName", b"acct"), secret("AccountKey", key(n)),
            *more]


def put_account(c, name, n, want="OK", **more):
    return status(c.call("secret.put", workspace="w", name=name,
                         kind=wire.STORAGE, fields=account(n), **more), want,
                  "put " + name)


def put_datastore(c, name, follows="store", fields=None, want="OK",
                  type=BLOB, kind=wire.DATASTORE, **more):
    if fields is None:
        fields = [plain("container", name.encode())]
    return status(c.call("secret.put", workspace="w", name=name, kind=kind,
                         type=type, follows=follows, fields=fields, **more),
                  want, "put %s following %s" % (name, follows))


def get(c, name, want="OK", **more):
    return status(c.call("secret.get", workspace="w", name=name, **more),
                  want, "get %s" % name)


def items(c):
    rows, after = {}, 0
    while True:
        r = status(c.call("secret.list", workspace="w", after=after), "OK")
        rows.update((i["name"].decode(), i) for i in r.fields["items"])
        after = r.fields["next"]
        if after == 0:
            return rows


def holders(c, name):
    """{version: how many runs hold it}."""
    r = status(c.call("secret.versions", workspace="w", name=name), "OK")
    return {i["version"]: i["holders"] for i in r.fields["items"]}


def last(root, op):
    return [e for e in root.events("w")
            if wire.CODE_NAME.get(e["op"]) == op][-1]


def make(t, d):
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    status(root.call("role.put", name="putter", **wire.role(
        ["workspaces/secrets/write", "workspaces/secrets/read"])), "OK")
    for uid, role, prefix in ((OWNER, wire.OWNER, ""),
                              (NARROW, wire.CONTRIBUTOR, "ds"),
                              (PUTTER, "putter", "")):
        status(root.call("grant.add", workspace="w", principal=wire.USER,
                         id=uid, role=role, prefix=prefix), "OK", role)
    return root, {uid: t.agent(uid).connect(d.socket)
                  for uid in (OWNER, NARROW, PUTTER)}


def one_new_key_reaches_all(root, c):
    names = ["ds%d" % i for i in range(DATASTORES)]
    put_account(c, "store", 1)
    for name in names:
        put_datastore(c, name)
    r = get(c, "ds7")
    same(r.values(), dict(container=b"ds7", AccountName=b"acct",
                          AccountKey=key(1)), "a datastore's fields")
    same([f["flags"] for f in r.fields["fields"]], [0, 0, 1],
         "which of them are secret")
    same(r.fields["followed"], 1, "the version that it follows")
    before, epoch = items(c), last(root, "secret.put")["epoch"]
    put_account(c, "store", 2)
    same(last(root, "secret.put")["epoch"], epoch + 1, "epoch of a new key")
    after = items(c)
    for name in names:
        r = get(c, name)
        same((r.values()["AccountKey"], r.fields["followed"],
              r.fields["version"]), (key(2), 2, 1), name)
        same(after[name], before[name], "the metadata of " + name)
    same(before["ds7"]["follows"], b"store", "whom it follows, in the list")
    same(before["store"]["follows"], b"", "whom the account follows")
    same(last(root, "secret.get")["detail"], b"follows store version 2",
         "what the record of a get says")
    show("one new key reaches %d datastores in one commit" % DATASTORES)


def only_what_it_has_not_itself(c):
    for field, want in (("AccountKey", {"AccountKey": key(2)}),
                        ("AccountName", {"AccountName": b"acct"}),
                        ("container", {"container": b"ds7"}), ("x", {})):
        r = get(c, "ds7", field=field)
        same(r.values(), want, "only the field " + field)
        same(r.fields["followed"], 2, "the version, for one field")
    put_datastore(c, "own", fields=[plain("AccountName", b"mine")])
    r = get(c, "own")
    same([(f["name"], f["value"]) for f in r.fields["fields"]],
         [(b"AccountName", b"mine"), (b"AccountKey", key(2))],
         "its own field comes first")
    same(get(c, "own", field="AccountName").values(),
         dict(AccountName=b"mine"), "its own field, alone")
    same(get(c, "store").fields["followed"], 0, "of what follows nothing")
    # Together they can be more than a secret may have.
    many = [plain("f%d" % i, b"x") for i in range(63)]
    put_datastore(c, "own", fields=many)
    get(c, "own", "TOO_LARGE")
    put_datastore(c, "own", fields=many[:62])
    same(len(get(c, "own").fields["fields"]), 64, "as many as may be")
    half = [secret("a", b"x" * 60000), secret("b", b"x" * 60000)]
    status(c.call("secret.put", workspace="w", name="large",
                  kind=wire.STORAGE, fields=half), "OK", "a large account")
    put_datastore(c, "own", "large", fields=[plain("c", b"x" * 2877)])
    same(len(get(c, "own").values()["c"]), 2877, "as large as may be")
    put_datastore(c, "own", "large", fields=[plain("c", b"x" * 2878)])
    get(c, "own", "TOO_LARGE")
    show("its own fields go before those that it follows, within the limits")


def what_can_follow_what(c):
    for field in ("AccountKey", "SharedAccessSignature"):
        put_datastore(c, "bad", fields=[secret(field, b"x")], want="INVALID")
    for type in (GEN1, SQL):
        put_datastore(c, "bad", type=type, want="INVALID")
    put_datastore(c, "bad", kind=wire.GENERIC, type=0, want="INVALID")
    put_datastore(c, "bad", kind=wire.STORAGE, type=0, want="INVALID")
    for name in ("w/store", "..", "-x"):
        put_datastore(c, "bad", name, want="INVALID")
    put_datastore(c, "bad", "nobody", want="FOLLOWED_GONE")
    put_datastore(c, "bad", "bad", want="FOLLOWED_GONE")
    put_datastore(c, "bad", "ds1", want="FOLLOWED_GONE")
    get(c, "bad", "NOT_FOUND")
    for name, type in (("file", FILE), ("lake", GEN2)):
        put_datastore(c, name, type=type)
        same(get(c, name).values()["AccountKey"], key(2), name)
    show("only datastores of a storage account follow, and only its "
         "credential")


def nobody_gives_what_he_has_not(c, people):
    same(get(people[NARROW], "ds7").values()["AccountKey"], key(2),
         "who may read the datastore alone")
    get(people[NARROW], "store", "DENIED")
    # Whether the account is there is not told either.
    for uid in (NARROW, PUTTER):
        for name in ("store", "nobody"):
            put_datastore(people[uid], "ds-mine", name, want="DENIED")
    get(people[NARROW], "ds-mine", "NOT_FOUND")
    # Without it he may put; what he does not name he does not follow.
    put_datastore(people[NARROW], "ds9", "")
    same(get(c, "ds9").values(), dict(container=b"ds9"), "follows no more")
    same(items(c)["ds9"]["follows"], b"", "follows no more, in the list")
    put_datastore(c, "ds9")
    show("nobody follows a key that he may not read")


def versions_follow_what_they_said(c):
    put_account(c, "other", 8)
    put_datastore(c, "old")                                         # 1
    put_datastore(c, "old", "", [secret("AccountKey", key(5))])     # 2
    put_datastore(c, "old", "other")                                # 3
    put_account(c, "other", 9)
    for version, want in ((1, (key(2), 2)), (2, (key(5), 0)),
                          (3, (key(9), 2)), (0, (key(9), 2))):
        r = get(c, "old", version=version)
        same((r.values()["AccountKey"], r.fields["followed"]), want,
             "version %d" % version)
    show("each version follows what it was put with")


def what_is_gone_is_followed_no_more(root, c):
    def both(op):
        status(c.call(op, workspace="w", name="store"), "OK", op)

    def gone(why):
        get(c, "ds7", "FOLLOWED_GONE")
        get(c, "ds7", "FOLLOWED_GONE", field="AccountKey")
        same(last(root, "secret.get")["detail"],
             b"follows store: " + why, "what the log says")
        put_datastore(c, "ds7", want="FOLLOWED_GONE")
        same(get(c, "old").values()["AccountKey"], key(9), "another one")

    both("secret.delete")
    gone(b"deleted")
    get(c, "old", "FOLLOWED_GONE", version=1)
    both("secret.undelete")
    same(get(c, "ds7").values()["AccountKey"], key(2), "undeleted")
    soon = int(time.time() * 1000000) + 200000
    put_account(c, "store", 3, expires=soon)
    while c.call("secret.get", workspace="w", name="store").ok:
        pass
    gone(b"expired")
    both("secret.delete")
    both("secret.purge")
    gone(b"not there")
    # The name may come back as something else.
    status(c.call("secret.put", workspace="w", name="store",
                  fields=wire.fields(value=b"v")), "OK")
    gone(b"no storage credential")
    both("secret.delete")
    both("secret.purge")
    put_account(c, "store", 4)
    same(get(c, "ds7").values()["AccountKey"], key(4), "a new account")
    show("what is deleted, expired or purged is followed no more, until it "
         "is back")


def a_run_reads_through_it_alone(t, d, c):
    worker = t.agent(RUNNER)
    token = status(c.call("run.start", workspace="w", target=wire.TOKEN_ONLY,
                          uid=RUNNER, token=1, secrets=[dict(name="ds7")]),
                   "OK", "run").fields["token"]
    own = worker.connect(d.socket)
    status(own.call("run.attach", token=token), "OK", "attach")
    same(get(own, "ds7").values()["AccountKey"], key(4), "a run's datastore")
    for name in ("store", "ds8"):
        get(own, name, "DENIED")
    was = holders(c, "store")
    same(was[max(was)], 1, "who holds the key that the run has read")
    put_account(c, "store", 6)
    same(holders(c, "store"), {**was, max(was) + 1: 0}, "a newer one")
    same(get(own, "ds7").values()["AccountKey"], key(6), "and its new key")
    same([holders(c, "store")[max(was) + n] for n in (0, 1)], [0, 1],
         "once it has read the newer one")
    show("a run reads the key through its datastore, and not otherwise")


def a_source_gives_no_key_to_what_follows(c):
    def stage(**values):
        return c.call("resync.stage", workspace="w", name="ds7", version=1,
                      origin=c.origins("w").get("ds7", b""),
                      outcome=wire.VALUE, serial=1,
                      fields=[secret(k, v) for k, v in values.items()])

    status(c.call("secret.source", workspace="w", name="ds7", source="file"),
           "OK", "source")
    status(c.call("resync.begin", workspace="w"), "OK", "begin")
    status(stage(AccountKey=key(9)), "INVALID", "a key")
    status(stage(client_secret=b"new"), "OK", "another field")
    status(c.call("resync.commit", workspace="w"), "OK", "commit")
    r = get(c, "ds7")
    same((r.values()["AccountKey"], r.values()["client_secret"],
          r.fields["version"]), (key(6), b"new", 2), "still following")
    show("a source gives what follows no key of its own")


def a_leak_of_the_key_is_found(people):
    def found(c, text):
        r = status(c.call("run.scan", workspace="w",
                          texts=[dict(text=text)]), "OK", "scan")
        return r.fields["found"], r.fields["name"]

    leak = b"KEY=" + key(6)
    same(found(people[OWNER], leak), (1, b"store"), "the owner's scan")
    n, name = found(people[NARROW], leak)
    check(n == 1 and name.startswith(b"ds"),
          "who may not read the account: %r" % name)
    same(found(people[NARROW], b"KEY=" + key(4)), (0, b""),
         "a key that is none any more")
    show("a key is found in a text also by those who have it by a datastore")


def a_report_is_of_the_key(root, c):
    """Who says of a datastore that its key was refused, says it of the key
    that it follows."""
    def stale():
        r = status(c.call("secret.list", workspace="w"), "OK", "list")
        return [i["name"] for i in r.fields["items"] if i["stale"]]

    same(stale(), [], "at first")
    status(c.call("secret.stale", workspace="w", name="ds1"), "OK", "a report")
    same(stale(), [b"store"], "after a report of a datastore")
    same(root.report()["stale secrets"], "1 in w", "told to the operator")
    put_account(c, "store", 6)
    same(stale(), [], "after a newer key")
    show("a refused key is reported by what follows it")


def the_command(t, d):
    def cofre(*arguments, **more):
        return t.run_cofre(d, *arguments, uid=OWNER, **more).decode()

    cofre("put", "w/cmd", "--kind", "datastore", "--type", "azure-blob",
          "--meta", "container=c", "--follows", "store")
    want = "AccountName=acct;AccountKey=" + key(6).decode()
    same(cofre("get", "w/cmd", "--format", "connection-string"), want,
         "a connection string")
    same(cofre("get", "w/cmd"), key(6).decode(), "its only secret field")
    shown = json.loads(cofre("show", "w/cmd", "--json"))
    same((shown["follows"], list(shown["fields"])), ("store", ["container"]),
         "show as JSON")
    check("follows   store\n" in cofre("show", "w/cmd"), "show")
    listed = {r["name"]: r["follows"] for r in
              json.loads(cofre("list", "w", "--json"))}
    same((listed["cmd"], listed["store"]), ("store", None), "list")
    by = json.loads(cofre("show", "w/store", "--json"))["followed_by"]
    same(by, sorted(n for n, f in listed.items() if f == "store"),
         "followed by")
    check(len(by) > DATASTORES, "all of them")
    line = [x for x in cofre("show", "w/store").splitlines()
            if x.startswith("followers ")]
    check(len(line) == 1 and len(line[0]) < 340 and
          line[0].startswith("followers cmd, ds0, ds1, ds10, ") and
          line[0].endswith(" others"), "followers: %r" % line)
    for more in (["--kind", "generic"],
                 ["--kind", "datastore", "--type", "azure-sql"]):
        cofre("put", "w/x", "--follows", "store", *more, code=2)
    blob = ["put", "w/x", "--kind", "datastore", "--type", "azure-blob",
            "--follows"]
    for more in (["w/store"], ["store", "--format", "sas"],
                 ["store", "--field", "AccountKey=/dev/null"],
                 ["store", "--file", "/dev/null"]):
        cofre(*blob, *more, code=2)
    cofre(*blob, "nobody", code=6)
    # Who deletes an account is told what stops working.
    cofre("delete", "w/store", code=2)
    cofre("get", "w/cmd")
    cofre("delete", "w/store", "--force")
    cofre("get", "w/cmd", code=6)
    cofre("undelete", "w/store")
    same(cofre("get", "w/cmd"), key(6).decode(), "undeleted")
    cofre("delete", "w/cmd")
    show("the command puts, shows, gets and guards what follows")


def use_is_seen(t, d, c):
    """What is read through a datastore is in use."""
    put_account(c, "lonely", 7)
    put_account(c, "behind", 7)
    put_datastore(c, "front", "behind")
    r = get(c, "front")
    then = r.fields["created"] + 1      # all were there, read since
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(then // 1000000))
    text += ".%06dZ" % (then % 1000000)
    rows = json.loads(t.run_cofre(d, "unused", "w", "--since", text,
                                  "--json", uid=OWNER))
    names = [r["name"] for r in rows]
    same([n in names for n in ("lonely", "behind", "front")],
         [True, False, False], "what is not used")
    show("an account that is read through a datastore is in use")


def test(t):
    harness.need_root()
    d = t.daemon()
    root, people = make(t, d)
    c = people[OWNER]
    one_new_key_reaches_all(root, c)
    only_what_it_has_not_itself(c)
    what_can_follow_what(c)
    nobody_gives_what_he_has_not(c, people)
    versions_follow_what_they_said(c)
    what_is_gone_is_followed_no_more(root, c)
    a_run_reads_through_it_alone(t, d, c)
    a_source_gives_no_key_to_what_follows(c)
    a_leak_of_the_key_is_found(people)
    a_report_is_of_the_key(root, c)
    the_command(t, d)
    use_is_seen(t, d, c)
    # It is all in the store.
    d.stop()
    d.start()
    root = d.connect()
    status(root.call("vault.unlock", key=harness.KEY), "OK", "unlock")
    c = t.agent(OWNER).connect(d.socket)
    same(get(c, "ds7").values()["AccountKey"], key(6), "after a restart")
    same(max(holders(c, "store").values()), 1, "a run's hold, likewise")
    show("a restart changes nothing of it")
    d.stop()


harness.main(test, limit=60)
