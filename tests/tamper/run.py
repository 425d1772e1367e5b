#!/usr/bin/env python3
"""Tamper with the files of a vault in every way that the driver knows, and
print how many were tried, and what came of them: `make tamper`.

OPS=n       about n attempts in place of all
JOBS=n      so many at a time; default: as many as there are processors
AGAIN=FILE  only those that a run has printed as wrong or crashed into FILE
COFRE_TEST_SEED
            repeats the choices"""
import datetime
import os
import sys
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))

import harness
import states
from expect import check, show


def test(t):
    seed = harness.seed().getrandbits(32)
    ops = int(os.environ.get("OPS") or 0)
    jobs = int(os.environ.get("JOBS") or os.cpu_count())
    begin = datetime.datetime.now()
    table, lines, good = states.States(t).tamper(ops, seed, jobs)
    states.print_table(table, lines)
    found = states.total(table)
    show("%s: tried %d, detected %d, harmless %d, wrong %d, crashed %d; "
         "%d at a time, %s" % (begin.date(), found["tried"],
                               found["detected"],
                               found["harmless"] + found["older"] +
                               found["shorter"], found["wrong"],
                               found["crashed"], jobs,
                               str(datetime.datetime.now() - begin)[:7]))
    check(good and found["tried"] > 0, "the driver failed")
    check(found["wrong"] == found["crashed"] == 0, "see above")


harness.main(test, limit=24 * 3600)
