#!/usr/bin/env python3
"""The last part of make bench: how long it takes to give many credentials new
keys at once, beside the same number of single puts.  Runs in the build
directory, which is the working directory.

The vault has a workspace with storage credentials, each followed by
datastores.  In each round, one after the other:

- as many single puts, each acknowledged before the next one is sent,
- a resync of all of them: begin, one answer for each, the commit, and
- the commit alone, which is what others wait for,
- a put of all of them in one write, as the fastest way without atomicity.

Each round's values are new, and at its end one datastore of each credential
is read and must have them.  Ratios are of medians.

RESYNC_KEYS=n        credentials; 1000
RESYNC_DATASTORES=n  that follow each; 100
RESYNC_ROUNDS=n      5
"""
import os
import statistics
import sys
import time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "system"))

import cofre_wire as wire
import harness
from expect import same, show, status

KEYS = int(os.environ.get("RESYNC_KEYS", "1000"))
DATASTORES = int(os.environ.get("RESYNC_DATASTORES", "100"))
ROUNDS = int(os.environ.get("RESYNC_ROUNDS", "5"))
AZURE_BLOB = 1


def name(i):
    return "store-%d" % i


def put_values(i, value):
    return dict(workspace="w", name=name(i), kind=wire.STORAGE,
                fields=wire.fields(AccountKey=value))


def pipelined(c, calls, window=256):
    """Send them, some at a time, so that neither side has to wait."""
    for at in range(0, len(calls), window):
        for r in c.pipeline(calls[at:at + window]):
            status(r, "OK")


def fill(c):
    pipelined(c, [("secret.put", put_values(i, b"first"))
                  for i in range(KEYS)])
    pipelined(c, [("secret.source", dict(workspace="w", name=name(i),
                                         source="file"))
                  for i in range(KEYS)])
    pipelined(c, [("secret.put", dict(
        workspace="w", name="data-%d-%d" % (i, j), kind=wire.DATASTORE,
        type=AZURE_BLOB, follows=name(i),
        fields=[dict(name="container", flags=0, value=b"c%d" % j)]))
        for i in range(KEYS) for j in range(DATASTORES)])


def follow(c, value):
    """A datastore of each credential has the value."""
    if not DATASTORES:
        return
    for i in range(0, KEYS, max(1, KEYS // 50)):
        r = status(c.get("w", "data-%d-%d" % (i, i % DATASTORES)), "OK")
        same(r.values()["AccountKey"], value, "the key of a datastore")


def took(function, *arguments):
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def single_puts(c, value):
    for i in range(KEYS):
        status(c.call("secret.put", **put_values(i, value)), "OK")


def stage(c, version, value):
    status(c.call("resync.begin", workspace="w"), "OK")
    origins = c.origins("w")
    pipelined(c, [("resync.stage", dict(
        workspace="w", name=name(i), version=version, origin=origins[name(i)],
        outcome=wire.VALUE, fields=wire.fields(AccountKey=value)))
        for i in range(KEYS)])


def commit(c):
    return status(c.call("resync.commit", workspace="w", grace=3600),
                  "OK")


def test(t):
    d = t.daemon(dict(store_limit="4G"))
    c = d.init()
    status(c.call("workspace.create", workspace="w"), "OK")
    fill(c)
    version, times = 1, {"puts": [], "resync": [], "commit": [], "piped": []}
    for number in range(ROUNDS):
        value = b"put-%d" % number
        times["puts"].append(took(single_puts, c, value)[0])
        follow(c, value)
        version += 1
        before = int(c.report()["epoch"])
        value = b"resync-%d" % number
        staged, _ = took(stage, c, version, value)
        committed, r = took(commit, c)
        same(r.fields["updated"], KEYS, "credentials with a new key")
        same(r.fields["epoch"], before + 1, "epochs of the resync")
        times["resync"].append(staged + committed)
        times["commit"].append(committed)
        follow(c, value)
        version += 1
        value = b"piped-%d" % number
        times["piped"].append(took(pipelined, c, [
            ("secret.put", put_values(i, value)) for i in range(KEYS)])[0])
        follow(c, value)
        version += 1
    m = {k: statistics.median(v) for k, v in times.items()}
    show("resync of %d credentials, each followed by %d datastores, against "
         "the same number of single puts (%d rounds, medians)" %
         (KEYS, DATASTORES, ROUNDS))
    for what, text in (("puts", "single puts, one after the other"),
                       ("piped", "the same, pipelined"),
                       ("resync", "a resync of all, one commit"),
                       ("commit", "of that the commit")):
        show("  %-34s %9.1f ms  %6.3f of the single puts  (%.1f to %.1f)" %
             (text, m[what] * 1e3, m[what] / m["puts"],
              min(times[what]) * 1e3, max(times[what]) * 1e3))
    d.stop()


harness.main(test, limit=900)
