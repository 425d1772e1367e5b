#!/usr/bin/env python3
"""Change the daemon's policy, codec and sealing one expression at a time, and
see whether a test fails: `make mutate`.

OPS=n       about n mutants in place of all
JOBS=n      so many at a time; default: as many as there are processors
FILES=...   these files of `targets` in place of all
AGAIN=FILE  those that survived in the output of an earlier run
COFRE_TEST_SEED
            repeats the choice

`targets` says which files, and by which tests.  `equivalent` has mutants that
do the same as what they were made of, each with its reason; they are left
out, and one that is not made any more is an error.  A mutant survives when
all tests of its file pass; the exit code is 1 when more than 5 % do."""
import collections
import concurrent.futures
import datetime
import itertools
import os
import queue
import random
import re
import resource
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
sys.dont_write_bytecode = True
import mutants

HERE = os.path.dirname(os.path.abspath(__file__))
FLOOR = 95
BUILD = os.path.join(os.environ["BUILD"], "build-mutate")
OBJECT = "libmutant.so"
TOP = os.path.abspath(os.environ["srcdir"])
# What nothing else shows a sanitizer may: a leak, a byte beyond the end.
MAKE = ["make", "-s", "-C", BUILD]


def table(name):
    with open(os.path.join(HERE, name)) as f:
        return [line.rstrip("\n") for line in f
                if line.strip() and not line.startswith("#")]


def read(path):
    with open(path) as f:
        return f.read()


def run(command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more).stdout


def quiet(command):
    return subprocess.run(command, cwd=BUILD, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)


def build(tests):
    """A build of its own, of what these tests are linked from."""
    if not os.path.exists(os.path.join(BUILD, "Makefile")):
        os.makedirs(BUILD, exist_ok=True)
        run([os.path.join(TOP, "configure"), "-q", "--enable-sanitizers",
             "CFLAGS=-O0 -g0"], cwd=BUILD)
    run(MAKE + ["-j%d" % os.cpu_count(), "libtesting.a", "libdaemon.a",
                "libsource.a", "libcommand.a", "libclient.a", "libcrypt.a",
                "libcommon.a"] + [target_of(name) + ".o" for name in tests
                                  if not is_replay(name)] +
        ["tests/fuzz/replay.o"] + ["tests/fuzz/fuzz_%s.o" % name[7:]
                                   for name in tests if is_replay(name)])


def is_replay(name):
    return name.startswith("replay_")


def target_of(name):
    return "tests/%s/%s" % ("fuzz" if is_replay(name) else "unit", name)


def said(target, source):
    """What make would do for it, if the source were newer."""
    return run([x for x in MAKE if x != "-s"] +
               ["-n", "V=1", "-W", source, target]).replace("\\\n", " ")


def compiling(file):
    """The command by which make compiles it."""
    source = os.path.join(TOP, file)
    for suffix in (".lo", ".o"):
        try:
            text = said(file[:-2] + suffix, source)
        except subprocess.CalledProcessError:
            continue    # it is in another kind of library
        line = [x for x in text.splitlines() if " -c -o " in x][0]
        line = re.sub(r"-M[TF] \S+|-M[DP]\b|.*--mode=compile ", "",
                      line.split("; ")[-1].split("&&")[0])
        command = [x for x in shlex.split(line.split("`")[0]) if x != "-c"]
        return [x for x in command[:command.index("-o")]
                if x != "ccache"] + ["-w", "-c"]
    raise SystemExit("mutate: how is %s made?" % file)


def linking(target):
    """The command by which it is linked: libtool's, if it is libtool that
    does it."""
    text = said(target, "src/seal.o")
    line = [x for x in text.splitlines() if " -o %s " % target in x][-1]
    if "--mode=link" in line:
        text = run(line.replace("libtool ", "libtool --dry-run ", 1),
                   cwd=BUILD, shell=True)
        line = [x.split(": ", 2)[2] for x in text.splitlines()
                if x.startswith("libtool: link: ")][-1]
    return shlex.split(line.split("; ")[-1])


class Test:
    """A program that has the file in a shared object: only that is made anew
    for a mutant."""

    def __init__(self, name, place):
        self.name = name
        self.path = os.path.join(place, name)
        self.corpus = []
        if is_replay(name):
            self.corpus = [os.path.join(TOP, "tests/fuzz/corpus",
                                        name.partition("_")[2])]
        self.link = linking(target_of(name))
        self.flags = [x for x in self.link
                      if x.startswith(("-Wl,--wrap=", "-fsanitize="))]
        self.limit = 300.0
        self.seconds = 300   # of a processor, for each of its processes
        self.longest = 0.0   # without a word of it

    def make(self, directory):
        """Link it to the shared object that is there."""
        command = list(self.link)
        command[command.index("-o") + 1] = self.path
        # Before the libraries that have the file as well.
        at = next(i for i, x in enumerate(command) if x.endswith(".a"))
        command[at:at] = ["-rdynamic", os.path.join(directory, OBJECT)]
        run(command, cwd=BUILD)

    def prepare(self, directory, compiler):
        """Put the object that is there into a shared one; False: it can't
        be."""
        done = quiet([compiler, "-shared", "-Wl,-soname," + OBJECT,
                      "-o", os.path.join(directory, OBJECT),
                      os.path.join(directory, "mutant.o")] + self.flags)
        if done.returncode != 0:
            return False
        if not os.path.exists(self.path):
            self.make(directory)
        return True

    def passes(self, directory, compiler, leaks):
        """With the object that is there, in time, and without leaks?"""
        if not self.prepare(directory, compiler):
            return False
        files = os.path.join(directory, "files")
        os.mkdir(files, 0o755)
        p = subprocess.Popen(
            [self.path] + self.corpus, cwd=directory, start_new_session=True,
            preexec_fn=lambda: limits(self.seconds),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ, LD_LIBRARY_PATH=directory, BUILD=BUILD,
                     TMPDIR=files, CK_VERBOSITY="silent",
                     CK_TAP_LOG_FILE_NAME="-", CK_TIMEOUT_MULTIPLIER="100",
                     ASAN_OPTIONS="max_allocation_size_mb=1024:symbolize=0:"
                                  "detect_leaks=%d" % leaks,
                     UBSAN_OPTIONS="symbolize=0"))
        try:
            return self.ends_well(p)
        finally:
            end_all(p.pid, directory)
            p.wait()
            p.stdout.close()
            shutil.rmtree(files, ignore_errors=True)

    def ends_well(self, p):
        """No test of it fails, in time?  The first that does is enough.  A
        second in which all of this was stopped is none of its time."""
        out = p.stdout.fileno()
        os.set_blocking(out, False)
        end = os.pidfd_open(p.pid)
        said, left, sources = b"\n", self.limit, [out, end]
        last = time.monotonic()
        try:
            while left > 0:
                begin = time.monotonic()
                ready = select.select(sources, [], [], 1)[0]
                now = time.monotonic()
                left -= min(1, now - begin)
                if ready:
                    self.longest = max(self.longest, now - last)
                    last = now
                if out in ready:
                    new = os.read(out, 65536)
                    said = said[-8:] + new
                    if b"\nnot ok " in said:
                        return False
                    if not new:
                        sources = [end]
                elif end in ready:
                    return p.wait() == 0
            return False
        finally:
            os.close(end)


def is_of(number, session, mark):
    """Is it in that session, or did it begin with that environment?"""
    try:
        stat = read("/proc/%s/stat" % number).rpartition(")")[2].split()
        if stat[0] == "Z":
            return False
        with open("/proc/%s/environ" % number, "rb") as f:
            return int(stat[3]) == session or mark in f.read().split(b"\0")
    except OSError:
        return False


def end_all(session, directory):
    """End what a test has started: a child of it is in a process group of
    its own, and may be in a session of its own; what loops would go on."""
    mark = os.fsencode("LD_LIBRARY_PATH=" + directory)
    found = True
    while found:
        found = [int(n) for n in os.listdir("/proc") if n.isdigit() and
                 is_of(n, session, mark)]
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def limits(seconds):
    """A mutant may run away."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


class Target:
    """A file, and its tests: what has ended a mutant last comes first."""

    def __init__(self, row, place):
        self.file, *names = row.split()
        self.text = read(os.path.join(TOP, self.file))
        place = os.path.join(place, self.file.replace("/", "-"))
        os.mkdir(place, 0o755)
        # To look for leaks takes most of the time: last, if at all.
        allocates = re.search(r"\b(calloc|free|release)\(", self.text)
        self.leaks = (False, True) if allocates else (False,)
        self.tests = [Test(n, place) for n in names]
        self.compile = compiling(self.file)
        self.compiler = self.compile[0]

    def object(self, directory, text):
        """Compile that; False when it is no C."""
        source = os.path.join(directory, os.path.basename(self.file))
        with open(source, "w") as f:
            f.write(text)
        return quiet(self.compile + ["-fPIC", "-o", os.path.join(
            directory, "mutant.o"), source]).returncode == 0

    def measure(self, directory):
        """The original passes; how long may a mutant take?"""
        self.object(directory, self.text)
        for test in self.tests:
            test.prepare(directory, self.compiler)
            begin = time.monotonic()
            if not test.passes(directory, self.compiler, self.leaks[-1]):
                raise SystemExit("mutate: %s fails without a mutant" %
                                 test.name)
            test.limit = 20 + 5 * (time.monotonic() - begin)
            test.seconds = 2 + int(2 * test.longest)
        self.tests.sort(key=lambda test: test.limit)

    def try_one(self, mutant, directory):
        """invalid, killed or survived."""
        text = self.text[:mutant.begin] + mutant.new + self.text[mutant.end:]
        if not self.object(directory, text):
            return "invalid"
        for leaks, test in itertools.product(self.leaks, list(self.tests)):
            if not test.passes(directory, self.compiler, leaks):
                self.tests.remove(test)
                self.tests.insert(0, test)
                return "killed"
        return "survived"

    def show(self, mutant):
        """FILE | its line(s) | what becomes of them."""
        begin = self.text.rfind("\n", 0, mutant.begin) + 1
        end = self.text.find("\n", mutant.end)
        new = self.text[begin:mutant.begin] + mutant.new + \
            self.text[mutant.end:end]
        return " | ".join([self.file] + [" ".join(x.split()) for x in
                                         (self.text[begin:end], new)])

    def line(self, mutant):
        return self.text.count("\n", 0, mutant.begin) + 1


def leave_out(targets, chosen):
    """Without those that are equivalent; how many there were, by file."""
    reasons = {e.rpartition(" | ")[0] for e in table("equivalent")}
    kept, out, seen = [], collections.Counter(), set()
    for m in chosen:
        text = targets[m.file].show(m)
        if text in reasons:
            seen.add(text)
            out[m.file] += 1
        else:
            kept.append(m)
    gone = [r for r in reasons - seen if r.split(" | ")[0] in targets]
    if gone:
        raise SystemExit("mutate: no such mutant:\n" + "\n".join(gone))
    return kept, out


def report(targets, results, out):
    print("%-24s %8s %8s %10s %8s %8s %6s" % (
        "file", "mutants", "invalid", "equivalent", "killed", "survived",
        "score"))
    total = collections.Counter()
    for file in list(targets) + ["all"]:
        n = results[file] if file != "all" else total
        n["equivalent"] = out[file] if file != "all" else n["equivalent"]
        if file != "all":
            total.update(n)
        tried = n["killed"] + n["survived"]
        print("%-24s %8d %8d %10d %8d %8d %6.1f" % (
            file, sum(n.values()), n["invalid"], n["equivalent"],
            n["killed"], n["survived"], 100 * n["killed"] / (tried or 1)))
    return total


def main():
    os.environ.pop("MAKEFLAGS", None)
    seed = int(os.environ.get("COFRE_TEST_SEED") or
               int.from_bytes(os.urandom(4), "big"))
    jobs = int(os.environ.get("JOBS") or os.cpu_count())
    begin = datetime.datetime.now()
    rows = [row.split() for row in table("targets")]
    build(sorted({name for row in rows for name in row[1:]}))
    os.nice(15)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    scratch = tempfile.mkdtemp(prefix="cofre-mutate.", dir=memory())
    os.chmod(scratch, 0o755)
    try:
        total = run_all(scratch, seed, jobs)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print("%s: %d at a time, %s" % (begin.date(), jobs, str(
        datetime.datetime.now() - begin)[:7]))
    tried = total["killed"] + total["survived"]
    return 0 if total["killed"] * 100 >= FLOOR * tried > 0 else 1


def memory():
    """A directory that is on no disk, if programs may be run there."""
    place = "/dev/shm"
    return place if os.access(place, os.W_OK) and \
        not os.statvfs(place).f_flag & os.ST_NOEXEC else None


def run_all(scratch, seed, jobs):
    files = os.environ.get("FILES", "").split()
    targets = {t.file: t for t in (Target(row, scratch) for row in
                                   table("targets")
                                   if not files or row.split()[0] in files)}
    chosen = [m for t in targets.values()
              for m in mutants.all_of(t.file, t.text)]
    chosen, out = leave_out(targets, chosen)
    if os.environ.get("AGAIN"):
        before = {line.partition(": ")[2] for line in
                  read(os.environ["AGAIN"]).splitlines()
                  if line.startswith("survived:")}
        chosen = [m for m in chosen if targets[m.file].show(m) in before]
    print("COFRE_TEST_SEED=%d, %d mutants" % (seed, len(chosen)), flush=True)
    if os.environ.get("OPS"):
        chosen = random.Random(seed).sample(
            chosen, min(int(os.environ["OPS"]), len(chosen)))
    return report(targets, try_all(targets, chosen, jobs, scratch), out)


def try_all(targets, chosen, jobs, scratch):
    results = collections.defaultdict(collections.Counter)
    places = queue.Queue()
    for i in range(jobs):
        place = os.path.join(scratch, str(i))
        os.mkdir(place, 0o755)
        places.put(place)

    def one(mutant):
        place = places.get()
        try:
            target = targets[mutant.file]
            return mutant, target.try_one(mutant, place)
        finally:
            places.put(place)

    for target in targets.values():
        target.measure(os.path.join(scratch, "0"))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for mutant, result in pool.map(one, chosen):
            results[mutant.file][result] += 1
            if result == "survived":
                target = targets[mutant.file]
                print("survived:%d: %s" % (target.line(mutant),
                                           target.show(mutant)), flush=True)
    return results


sys.exit(main())
