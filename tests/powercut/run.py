#!/usr/bin/env python3
"""Cut the power of a daemon at every moment, leave of what it has written
what a disk may have, and print what the daemon makes of it: `make powercuts`.

OPS=n       so many images; default: 60000
JOBS=n      so many at a time; default: as many as there are processors
COFRE_TEST_SEED
            repeats the choices"""
import datetime
import os
import sys
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))

import cuts
import harness
from expect import check, show

ROUNDS = 6


def test(t):
    begin = datetime.datetime.now()
    jobs = int(os.environ.get("JOBS") or os.cpu_count())
    images = int(os.environ.get("OPS") or 60000)
    good, found = cuts.cuts(t, images, jobs, ROUNDS)
    show("%s: %d images, %d at a time, %s" % (
        begin.date(), found["tried"], jobs,
        str(datetime.datetime.now() - begin)[:7]))
    check(good, "see above")


harness.main(test, limit=24 * 3600)
