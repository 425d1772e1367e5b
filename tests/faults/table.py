"""The whole sweep, by several workers, and its table."""
import collections
import multiprocessing
import os
import signal
import sys
import traceback

import harness
import sweep
import strikers
import verbs
from expect import check, same, show


class Found:
    """{verb: {kind or outcome: how often}}; what is wrong is said at once."""

    def __init__(self):
        self.rows = {}
        self.missing_workers = 0

    def add(self, name, point, outcome, problem):
        row = self.rows.setdefault(name, collections.Counter())
        row[point.kind] += 1
        row[outcome] += 1
        if problem is not None:
            show("%s, %s %s %s #%d (%s): %s: %s" % (
                name, point.kind, point.way, point.name, point.nth,
                os.strerror(point.value) if point.value else "-", outcome,
                problem))

    def total(self):
        return sum(self.rows.values(), collections.Counter())

    def good(self):
        total = self.total()
        return total["wrong"] == total["crashed"] == 0 and \
            not self.missing_workers

    def show(self):
        names = strikers.KINDS + sweep.OUTCOMES
        show("| verb | " + " | ".join(names) + " |")
        show("|---" * (len(names) + 1) + "|")
        for name, row in [*((v.name, self.rows[v.name]) for v in verbs.VERBS
                            if v.name in self.rows), ("all", self.total())]:
            show("| %s | " % name + " | ".join(
                str(row[n]) for n in names) + " |")


def choose(plans, ops):
    """[(plan, point)]: all, or so many of them, evenly."""
    every = [(plan, point) for plan in plans for point in plan.points]
    if not 0 < ops < len(every):
        return every
    return [every[i * len(every) // ops] for i in range(ops)]


def work(base, chosen, queue):
    """In a process of its own, which ends with the test's."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(1))
    harness.die_with_parent()
    t = harness.Test()
    try:
        house = sweep.House(t, base)
        for plan, point in chosen:
            queue.put((plan.verb.name, point, *house.tries(plan, point)))
        queue.put(None)
    except Exception:
        traceback.print_exc()
        queue.put(False)
    finally:
        t.close()


def strike(base, chosen, jobs, found):
    """At each point, by so many workers."""
    fork = multiprocessing.get_context("fork")
    queue = fork.Queue()
    size = -(-len(chosen) // jobs)
    workers = [fork.Process(target=work, args=(
        base, chosen[i * size:(i + 1) * size], queue), daemon=True)
        for i in range(jobs)]
    for w in workers:
        w.start()
    left = len(workers)
    while left:
        told = queue.get()
        if told is None or told is False:
            left -= 1
            found.missing_workers += told is False
        else:
            found.add(*told)
    for w in workers:
        w.join()


def plan(t, wanted):
    """What they begin with, and the plans for the verbs that are wanted."""
    same(verbs.missing(), [], "operations that write, and are not tried")
    base = verbs.Base(t)
    house = sweep.House(t, base)
    plans = [house.plan(v) for v in verbs.VERBS if wanted(v)]
    check(plans, "there is nothing to do")
    return base, plans
