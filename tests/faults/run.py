#!/usr/bin/env python3
"""Strike the daemon at every system call and every allocation of everything
that it can be asked to do, and print what came of it: `make faults`.

OPS=n       about n points in place of all, evenly chosen
JOBS=n      so many at a time; default: as many as there are processors
VERBS=text  those whose names have that in them
"""
import datetime
import os
import sys
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "system"), HERE]
if os.access("/dev/shm", os.W_OK):
    os.environ.setdefault("COFRE_TEST_DIR", "/dev/shm")

import harness
import table
from expect import check, show


def test(t):
    harness.need_root("only root can trace the daemon")
    begin = datetime.datetime.now()
    names = os.environ.get("VERBS", "")
    base, plans = table.plan(t, lambda v: names in v.name)
    chosen = table.choose(plans, int(os.environ.get("OPS") or 0))
    found = table.Found()
    table.strike(base, chosen, int(os.environ.get("JOBS") or
                                   os.cpu_count()), found)
    found.show()
    show("%s: %d of %d points in %s" % (
        begin.date(), len(chosen), sum(len(p.points) for p in plans),
        str(datetime.datetime.now() - begin)[:7]))
    check(found.good(), "see above")


harness.main(test, limit=24 * 3600)
