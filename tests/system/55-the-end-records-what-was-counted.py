#!/usr/bin/env python3
"""Refused requests that were only counted are recorded at the daemon's end,
however few records a turn can have: with the smallest segments of the log,
fewer than there are kinds of them.  So is the end itself."""
import socket
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import same, show, status

UIDS = range(41001, 41008)
ANOTHER = 41009
AT_ONCE = 500           # of a uid have a record each, and a few more in time
ROUNDS = 3
REPEATED = 256
SYSTEM, REQUEST = 1, 3
OPS = ["secret.get", "workspace.show", "workspace.delete",
       "workspace.undelete", "workspace.purge", "identity.show",
       "identity.revoke", "grant.list", "secret.show", "secret.versions",
       "secret.delete", "secret.undelete", "secret.purge", "target.show",
       "target.delete", "ca.show"]


def refused(c, op):
    fields = wire.OPERATIONS[op][1]
    more = dict(name="n") if "str name" in fields else {}
    if op == "secret.get":
        reply = c.get("w", "n")
    else:
        reply = c.call(op, workspace="w", **more)
    status(reply, "DENIED", op)


def connect_often(path):
    """More connections than one may have: how many were refused."""
    kept, refused = [], 0
    for _ in range(40):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        kept.append(s)
        try:
            s.sendall(wire.hello())
        except BrokenPipeError:
            pass                        # the answer is there already
        refused += wire.STATUS["LIMIT"] in s.recv(4096)[12:16]
    return refused


def test(t):
    harness.need_root()
    d = t.daemon(dict(log_segment="64K", max_connections_per_uid=2))
    d.init()
    peers = [t.agent(uid).connect(d.socket) for uid in UIDS]
    for c in peers:
        for _ in range(AT_ONCE):
            refused(c, OPS[0])
    for _ in range(ROUNDS):
        for c in peers:
            for op in OPS:
                refused(c, op)
    # One is noted at once, the others within a second: there is none.
    turned_away = t.agent(ANOTHER).do(connect_often, d.socket)
    sent = len(UIDS) * (AT_ONCE + ROUNDS * len(OPS))
    d.stop()
    d.start()
    root = d.connect()
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    events = root.events()
    told = sum(e["version"] if e["flags"] & REPEATED else 1 for e in events
               if e["type"] == REQUEST and e["uid"] in UIDS)
    same(told, sent, "refused requests that the log tells of")
    away = sum(int(e["detail"].split()[0]) for e in events
               if e["uid"] == ANOTHER and
               e["detail"].endswith(b" connections refused"))
    same(away, turned_away, "refused connections that the log tells of")
    ends = [e for e in events if e["type"] == SYSTEM and
            e["detail"] == b"stopped"]
    same(len(ends), 1, "ends that the log tells of")
    show("%d refused requests are in the log, and the end" % told)


harness.main(test, limit=60)
