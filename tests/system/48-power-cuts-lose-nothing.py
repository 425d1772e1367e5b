#!/usr/bin/env python3
"""The power fails while a vault is changed.  Whatever part of what the daemon
has written is on the disk then, as long as the disk has kept what was
flushed: what was acknowledged is there, with its exact values and its
records, what was not is whole or absent, and the log verifies.

A sample: `make powercuts` tries many more."""
import os
import sys
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "powercut"))

import cuts
import harness
from expect import check, show

IMAGES, ROUNDS = 160, 1


def test(t):
    if t.has_sanitizer():
        show("built with a sanitizer: nothing is preloaded, not tried")
        return
    good, found = cuts.cuts(t, IMAGES, 1, ROUNDS)
    check(found["tried"] >= IMAGES, "too few images")
    check(found["farther"] > 0, "no image has more than was acknowledged")
    check(good, "see above")


harness.main(test, limit=280)
