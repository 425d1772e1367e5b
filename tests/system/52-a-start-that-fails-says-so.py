#!/usr/bin/env python3
"""Whichever allocation or call fails, or is interrupted, while the daemon
starts, or while it ends: it is ready, or has ended with an exit code that is
not 0 and a line that says why; no signal has ended it, and the next start
finds all that there was."""
import os
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import faults
import harness
import rehearsal
from expect import check, same, show, status
from rehearsal import ALLOCATION, CALL, INTERRUPT

# So many, evenly chosen; OPS=n in place of that.  Where it is counted what is
# reached, something fails once at each place in the code besides.
ATTEMPTS = 12
KINDS = {ALLOCATION: "allocation", CALL: "call", INTERRUPT: "interruption"}


def wrong(ready, got):
    if got.code < 0:
        return "ended by signal %d" % -got.code
    if got.code == 0 and not ready:
        return "it was never ready, and has exit code 0"
    if got.code != 0 and "cofred: " not in got.err:
        return "exit code %d, and says nothing" % got.code
    return None


def test(t):
    harness.need_root()
    if not faults.can_be(t):
        return
    d = t.daemon(dict(log_segment="64K"),
                 keyfile=t.keyfile(harness.KEY, name="vault.key"))
    c = d.init(harness.slot_key(harness.KEY))
    status(c.call("workspace.create", workspace="w"), "OK", "a workspace")
    status(c.call("secret.put", workspace="w", name="n", fields=[
        dict(name="value", flags=wire.SECRET, value="v")]), "OK", "a secret")
    d.stop()
    stage = rehearsal.DaemonStage(t, d)
    ready, got = stage.start()
    check(ready and got.code == 0, "it does not start here: " + got.err)
    every = sum(len(got.met[kind]) for kind in KINDS)
    choice = rehearsal.Choice(int(os.environ.get("OPS") or ATTEMPTS),
                              places=t.counts())
    chosen = [(kind, nth) for kind in KINDS
              for nth in choice.of(kind, got.met[kind])]
    bad, refused, begin = [], 0, time.monotonic()
    for kind, nth in chosen:
        ready, got = stage.start(kind, nth)
        refused += not ready
        text = wrong(ready, got)
        if text is not None:
            bad.append("%s %d: %s" % (KINDS[kind], nth, text))
    show("%d of %d starts, %d of them refused, in %.1f s" % (
        len(chosen), every, refused, time.monotonic() - begin))
    check(not bad, "\n".join(bad))
    d.start()
    got = d.connect().get("w", "n")
    same(got.fields["fields"][0]["value"], b"v", "the secret afterwards")
    check(os.path.exists(d.socket), "its socket")


harness.main(test, limit=24 * 3600 if "OPS" in os.environ else 300)
