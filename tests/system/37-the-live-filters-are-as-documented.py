#!/usr/bin/env python3
"""The filters of system calls in the running daemon, its witness, the
witness's keeper, its sentry and the processes that check the stores, as the
kernel has them, allow what doc/SANDBOX.md says and nothing else: every number, by the
rules of x86-64, x32 and i386, with arguments of every kind that either of
them tells apart."""
import os
import sys
sys.dont_write_bytecode = True

import bpf
import harness
import sandboxdoc
import tracing
from expect import check, same, show

NUMBERS = range(1024)
# Past every number that there is: x32's bit, signs, and -1, which a tracer
# leaves behind that skips a call.
FAR = [1 << i for i in range(10, 30)] + [1 << 31, bpf.ALL, bpf.ALL >> 1]
# Since 6.14 these do not get as far as a filter.
PAST_FILTERS = {"uretprobe": 335, "uprobe": 336}


def vectors(rules, tests, number, r):
    """Arguments of every kind, of a call that has rules: those that one of
    them asks for, all at once, and beside that anything."""
    places = rules.places(number)
    words = {}
    for place in range(6):
        low, high = (set(s) for s in places.get(place, ((), ())))
        for offset, mask, value in tests:
            if offset == bpf.ARGUMENTS + 8 * place:
                low.add((mask, value))
            elif offset == bpf.ARGUMENTS + 8 * place + 4:
                high.add((mask, value))
        words[place] = [
            bpf.classes(low, r) if low else {0, r.getrandbits(32)},
            bpf.classes(high, r) if high else {r.getrandbits(32)}]
    anything = [r.getrandbits(64) for _ in range(6)]
    yield anything
    yield [0] * 6
    yield [2 ** 64 - 1] * 6
    for rule in rules.calls.get(number, ()):
        start = list(anything)
        for place, bits, value in rule:
            start[place] = start[place] & ~bits | value
        yield start
        for place, (low, high) in words.items():
            for a in low:
                for b in high:
                    one = list(start)
                    one[place] = b << 32 | a
                    yield one
    counted = sorted(places)
    for first in counted:
        for second in counted:
            if first >= second:
                continue
            for a in words[first][0]:
                for b in words[second][0]:
                    one = list(anything)
                    one[first], one[second] = a, b
                    yield one


def compare(what, filters, rules, r):
    """All filters of one thread against one table; how many were tried."""
    programs = [bpf.program(f) for f in filters]
    check(programs, what + " has no filter")
    known, tried = set(rules.calls), 0

    def one(number, arguments, arch, allowed):
        got, blind = bpf.verdict(programs, bpf.call(number, arguments, arch))
        want = bpf.ALLOW if allowed else bpf.KILL_PROCESS
        check(got == want, "%s: call %d of %#x with %s: %#x, and the "
              "document says %#x" % (what, number, arch, [
                  hex(a) for a in arguments], got, want))
        return blind

    for number in known:
        tests = set()
        for arguments in vectors(rules, (), number, r):
            for p in programs:
                bpf.evaluate(p, bpf.call(number, arguments), tests)
        for arguments in vectors(rules, tests, number, r):
            one(number, arguments, bpf.X86_64,
                rules.allow(number, arguments))
            tried += 1
    arguments = [r.getrandbits(64) for _ in range(6)]
    for arch in (bpf.X86_64, bpf.I386):
        for number in list(NUMBERS) + FAR:
            for bit in (0, bpf.X32_BIT):
                if arch == bpf.X86_64 and bit == 0 and number in known:
                    continue
                blind = one(number | bit, arguments, arch, False)
                # Whatever the arguments are: one try is all of them.
                check(blind, "%s: call %d is killed for its arguments" %
                      (what, number | bit))
                tried += 1
    for name, number in PAST_FILTERS.items():
        check(number not in known, "the document has %s" % name)
    return tried


def of_running(t):
    """(what, the table's headings, pid, filters) of all that runs."""
    d = t.daemon()
    d.init().close()
    keeper, workers = harness.witness_of(d)
    for what, headings, pid in (
            [("the daemon", ["seccomp"], d.pid),
             ("the sentry", ["The sentry"], harness.sentry_of(d)),
             ("the keeper", ["The keeper of the witness", "The witness"],
              keeper)] +
            [("a worker", ["The witness"], pid) for pid in workers]):
        for tid, filters in sorted(tracing.filters(pid).items()):
            yield what, headings, tid, filters
    d.stop()


def of_checkers(t):
    """The same of the processes that check the stores; they end soon."""
    d = t.daemon()
    d.init().close()
    d.stop()
    d.prefix = ["sh", "-c", 'kill -STOP $$; exec "$@"', "sh"]
    d.spawn()
    os.waitpid(d.pid, os.WUNTRACED)
    ended = tracing.filters_of_children(d.pid, 2)
    check(d.wait_note("READY=1"), "it ended: " + d.stderr())
    d.stop()
    for pid, filters in ended:
        yield "a check of a store", ["The check of the stores"], pid, filters


def test(t):
    harness.need_root()
    if t.has_sanitizer() or os.uname().machine != "x86_64":
        show("built with a sanitizer, which makes calls of its own, or not "
             "x86-64: not tried")
        return
    r = harness.seed()
    doc = os.path.join(harness.HERE, "../../doc/SANDBOX.md")
    total = {}
    # A process has one tracer: below that of make canary nobody else can
    # trace what checks the stores from its start.
    traced = "TracerPid:\t0\n" not in harness.read_file(
        "/proc/self/status").decode()
    for source in (of_running,) if traced else (of_running, of_checkers):
        for what, headings, pid, filters in source(t):
            tables = sandboxdoc.sections(doc, dict.fromkeys(headings, pid))
            rules = sum((tables[h] for h in headings),
                        sandboxdoc.Rules(pid))
            tried = compare(what, filters, rules, r)
            show("%s, %d filter(s) of %d instructions: %d rows, %d calls "
                 "tried: as documented" % (
                     what, len(filters), sum(len(f) for f in filters) // 8,
                     rules.rows, tried))
            total[what] = total.get(what, 0) + 1
    same(total, {"the daemon": 1, "the sentry": 1, "the keeper": 1,
                 "a worker": 4, **({} if traced else {
                     "a check of a store": 2})}, "whose filters were seen")


harness.main(test, limit=120)
