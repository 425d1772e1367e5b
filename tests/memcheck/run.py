#!/usr/bin/env python3
"""The unit tests and the corpora of the fuzz targets under valgrind's
memcheck, and what it has found: `make memcheck`.

JOBS=n      so many at a time; default: as many as there are processors
ONLY=words  programs with one of these words in their names
KEEP=dir    leave valgrind's reports there

An error is what memcheck reports and `suppressions` does not know.  What a
test wants to see and valgrind can't show is named in `outside`: any other
test that fails is an error too, and so is a line there that is not needed."""
import concurrent.futures
import datetime
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..")
BUILD = os.environ.get("BUILD", ".")
# Programs of others that tests execute are not ours to judge.
SKIP = "/bin/*,/sbin/*,/usr/*,/tmp/*"
LEAKS = re.compile(r"definitely lost: ([\d,]+) bytes")
SUMMARY = re.compile(r"ERROR SUMMARY: (\d+) errors from (\d+) contexts "
                     r"\(suppressed: (\d+)")
CHECKS = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)",
                    re.M)
FAILED = re.compile(r"^\S+?:\d+:[FE]:[^:]*:([^:]+):", re.M)


class Outcome:
    """What came of one program."""

    def __init__(self, name):
        self.name = name
        self.processes = self.errors = self.suppressed = self.lost = 0
        self.checks = 0
        self.failed, self.code, self.seconds = set(), 0, 0.0
        self.reports = []       # of the processes that have errors

    def read(self, path):
        with open(path, errors="replace") as f:
            text = f.read()
        self.processes += 1
        self.lost += sum(int(n.replace(",", "")) for n in LEAKS.findall(text))
        found = SUMMARY.findall(text)
        if found:
            self.errors += int(found[-1][1])
            self.suppressed += int(found[-1][2])
            if int(found[-1][1]):
                self.reports.append(text)


def programs():
    """[(name, command line)]."""
    found = []
    for path in sorted(glob.glob(os.path.join(BUILD, "tests/unit/check_*"))):
        if os.access(path, os.X_OK) and "." not in os.path.basename(path):
            found.append((os.path.basename(path), [path]))
    for path in sorted(glob.glob(os.path.join(BUILD, "tests/fuzz/replay_*"))):
        name = os.path.basename(path)
        if os.access(path, os.X_OK) and "." not in name:
            found.append((name, [path, os.path.join(
                SOURCE, "tests/fuzz/corpus", name[len("replay_"):])]))
    words = os.environ.get("ONLY", "").split()
    return [p for p in found
            if not words or any(w in p[0] for w in words)]


def outside():
    """{(program, test)}: what can't be shown under valgrind."""
    with open(os.path.join(HERE, "outside")) as f:
        return {tuple(line.split()[:2]) for line in f
                if line.strip() and not line.startswith("#")}


def run(name, line, keep):
    o = Outcome(name)
    logs = os.path.join(keep, name)
    os.makedirs(logs, exist_ok=True)
    environment = dict(os.environ, CK_DEFAULT_TIMEOUT="30",
                       CK_TIMEOUT_MULTIPLIER="10", CK_VERBOSITY="normal")
    begin = time.monotonic()
    done = subprocess.run(
        ["valgrind", "--leak-check=full", "--show-leak-kinds=definite",
         "--errors-for-leak-kinds=definite", "--trace-children=yes",
         "--trace-children-skip=" + SKIP, "--num-callers=20",
         "--suppressions=" + os.path.join(HERE, "suppressions"),
         "--log-file=" + os.path.join(logs, "%p"), *line],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env=environment, cwd=BUILD)
    o.seconds = time.monotonic() - begin
    text = done.stdout.decode(errors="replace")
    with open(os.path.join(logs, "output"), "w") as f:
        f.write(text)
    o.code = done.returncode
    for path in glob.glob(os.path.join(logs, "[0-9]*")):
        o.read(path)
    for checks, _, _ in CHECKS.findall(text):
        o.checks += int(checks)
    o.failed = {(name, test) for test in FAILED.findall(text)}
    # A program that ends early has no such lines.
    if o.code != 0 and not o.failed:
        o.failed = {(name, "-")}
    return o


def main():
    if shutil.which("valgrind") is None:
        print("no valgrind here: apt-get install valgrind")
        return 1
    with open(os.path.join(BUILD, "config.log")) as f:
        if "--enable-sanitizers" in f.readline() + f.read(4000):
            print("valgrind and sanitizers exclude each other: use a build "
                  "without --enable-sanitizers")
            return 1
    keep = os.environ.get("KEEP") or tempfile.mkdtemp(prefix="cofre-memcheck.")
    jobs = int(os.environ.get("JOBS") or os.cpu_count())
    begin = datetime.datetime.now()
    known, excused, bad = outside(), set(), []
    outcomes = []
    print("%-28s %9s %6s %7s %6s %10s %7s" %
          ("program", "processes", "tests", "outside", "errors", "suppressed",
           "seconds"))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for o in pool.map(lambda p: run(*p, keep), programs()):
            outcomes.append(o)
            print("%-28s %9d %6d %7d %6d %10d %7.0f" %
                  (o.name, o.processes, o.checks, len(o.failed), o.errors,
                   o.suppressed, o.seconds), flush=True)
            excused |= o.failed & known
            bad += ["%s: %s fails" % f for f in sorted(o.failed - known)]
            bad += ["%s:\n%s" % (o.name, r) for r in o.reports[:2]]
            if o.processes == 0:
                bad.append("%s: no report of valgrind" % o.name)
    if not os.environ.get("ONLY"):
        bad += ["%s %s: in `outside`, and does not fail" % f
                for f in sorted(known - excused)]
    total = [sum(getattr(o, n) for o in outcomes) for n in
             ("processes", "checks", "errors", "suppressed", "lost")]
    print("%s: %d programs, %d processes, %d tests, %d of them outside; "
          "%d errors, %d bytes definitely lost, %d suppressed; %d at a time, "
          "%s" % (begin.date(), len(outcomes), total[0], total[1],
                  len(excused), total[2], total[4], total[3], jobs,
                  str(datetime.datetime.now() - begin)[:7]))
    if not os.environ.get("KEEP"):
        shutil.rmtree(keep)
    for text in bad:
        print(text)
    return 1 if bad or not outcomes else 0


sys.exit(main())
