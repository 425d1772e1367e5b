"""Recordings of a daemon, cut in all ways: the driver's tables as one."""
import collections

import harness
import record
from expect import check, show

NAMES = 26      # the width of a way's name in the driver's table


def join(texts):
    """The drivers' tables as one, and their other lines."""
    table, names, lines = {}, [], collections.Counter()
    for line in "".join(texts).splitlines():
        cells = line[NAMES:].split()
        if cells[:1] == ["tried"]:
            names = cells
        elif cells and len(cells) == len(names) and \
                all(x.isdigit() for x in cells):
            row = table.setdefault(line[:NAMES].strip(),
                                   dict.fromkeys(names, 0))
            for name, n in zip(names, cells):
                row[name] += int(n)
        else:
            lines[line] += 1
    return table, lines


def total(table):
    found = collections.Counter()
    for row in table.values():
        found.update(row)
    return found


def print_table(table, lines):
    names = list(next(iter(table.values())))
    for way, row in [("", dict(zip(names, names))), *table.items(),
                     ("all", total(table))]:
        show("%-26s" % way + "".join(" %12s" % row.get(n, 0) for n in names))
    for line in sorted(lines):
        show(line)


def cuts(t, images, jobs, rounds):
    """Half of them with each mode of the log."""
    seed = harness.seed().getrandbits(32)
    texts, good = [], True
    for log in ("buffered", "strict"):
        r = record.Recording(t, log, rounds)
        more, fine = r.cut(images // 2, seed, jobs)
        texts += more
        good = good and fine
    table, lines = join(texts)
    check(table, "the driver failed: %s" % "".join(texts)[-2000:])
    print_table(table, lines)
    return good, total(table)
