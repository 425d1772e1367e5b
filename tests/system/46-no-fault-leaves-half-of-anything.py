#!/usr/bin/env python3
"""A daemon that is killed in the middle of a change, whose system call fails
or does half of what it was to do, or who gets no memory, has done all of what
it has acknowledged, and of the rest all or nothing; after a flush that failed
it writes nothing more, and says so.  Some points of a few operations;
`make faults` tries all of all."""
import os
import sys
sys.dont_write_bytecode = True

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))

import harness
import table
import strikers
from expect import check

NAMES = ("workspace.purge", "secret.put", "secret.put, grows",
         "target.create", "grant.add, new segment")
POINTS = 50
POINTS_COUNTED = 250    # of all operations, for make coverage


def test(t):
    harness.need_root("only root can trace the daemon")
    found = table.Found()
    base, plans = table.plan(t, lambda v: t.counts() or v.name in NAMES)
    if t.has_sanitizer():
        # A sanitizer maps memory for itself, and ends when it gets none.
        for plan in plans:
            plan.points = [p for p in plan.points
                           if p.name not in ("mmap", "mremap")]
    # Every flush of one of them, and the last write: LMDB's header, which is
    # on the disk when it is written.
    first, = (p for p in plans if p.verb.name == NAMES[0])
    last = max(p.nth for p in first.points if p.name == "pwrite64")
    chosen = [(first, p) for p in first.points if p.kind == "error" and (
        p.name in strikers.FLUSHES or (p.name == "pwrite64" and p.nth == last))]
    check(len(chosen) >= 9, "a commit has %d such points" % len(chosen))
    # A store whose file and map have to grow.
    maps = [(plan, p) for plan in plans if plan.verb.name.endswith("grows")
            for p in plan.points if p.kind == "error" and p.name == "mmap"]
    check(len(maps) >= 2 or t.has_sanitizer(),
          "a growing store maps itself %d times" % len(maps))
    chosen += maps
    table.strike(base, chosen + table.choose(
        plans, POINTS_COUNTED if t.counts() else POINTS), 2, found)
    found.show()
    check(found.good(), "see above")
    total = found.total()
    check(total["there"] > 5 and total["absent"] > 20 and
          total["missed"] < 5, "hardly anything was hit")


harness.main(test, limit=360)
