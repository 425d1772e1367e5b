#!/usr/bin/env python3
"""Every system test, with all secrets that it uses looked for while it runs,
in all places and forms (tests/canary/watch.c): `make canary`.

ONLY=words  tests with one of these words in their names
JOBS=n      so many at a time; default: as many as there are processors
KEEP=dir    leave needles, reports and output there

Plain values get a canary before them where the test bears that; else (values)
they are left as they are, and those that could be anywhere by chance are not
looked for.  Where a test measures times its daemons are looked at seldom, and
where it traces them itself it has only its commands watched.
`exempt` has what may be found where, with reasons; a line that is not needed
there is an error."""
import base64
import collections
import concurrent.futures
import datetime
import fnmatch
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM = os.path.join(HERE, "..", "system")
WAYS = {"canaries": dict(COFRE_TEST_CANARY_ADD="1"),
        "seldom": dict(COFRE_TEST_CANARY_ADD="1", WATCH_EVERY="3000"),
        "values": dict(WATCH_EVERY="3000"),
        "commands": dict(WATCH_COMMANDS="1")}
FORMS = ("raw", "8 bytes of it", "reversed", "hex", "HEX", "base64",
         "base64url", "UTF-16LE", "UTF-16BE", "percent")
LIMIT = 1800
HIT = re.compile(r'hit (\S+) (\S+) (\S+) (\S+) "([^"]*)" (.*)')


class Outcome:
    """What came of one test."""

    def __init__(self, name):
        self.name, self.way, self.tries = name, "", []
        self.sums = collections.Counter()
        self.hits, self.needles, self.blind = [], 0, 0
        self.hidden = self.swapped = 0

    def read(self, path):
        with open(path, errors="replace") as f:
            for line in f:
                if not line.endswith("\n"):
                    break       # the watch was killed in the middle
                word, *rest = line.split()
                if word == "hit":
                    self.hits.append(HIT.match(line).groups())
                elif word == "sum":
                    for i, n in enumerate(("looks", "bytes", "hits")):
                        self.sums[(*rest[:2], n)] += int(rest[2 + i])
                elif word == "hidden":
                    self.hidden += int(rest[0])
                elif word == "unlocked":
                    self.swapped += int(rest[0])
                elif word == "needles":
                    self.needles = max(self.needles, int(rest[0]))
                elif word == "blind":
                    self.blind += 1


def literals(path):
    """What a script hands to cofre by a pipe: [value]."""
    with open(path) as f:
        text = f.read()
    if "README.md" in text:     # the tour's
        with open(os.path.join(HERE, "..", "..", "README.md")) as f:
            return re.findall(r"sig=([\w%]{12,})", f.read())
    found = re.findall(r"(?:printf|echo)(?: '?%s(?:\\n)?'?)? "
                       r"(?:'([^']*)'|\"([^\"$]*)\"|([\w.-]+)) *\\?\n?"
                       r"\s*\|\s*(?:\S+ )*cofre", text)
    return [a or b or c for a, b, c in found]


def run(name, keep):
    o = Outcome(name)
    watch = os.path.join(os.environ.get("BUILD", "."), "tests/canary/watch")
    for way, more in WAYS.items():
        base = os.path.join(keep, "%s.%s" % (name, way))
        needles = base + ".needles"
        with open(needles, "w") as f:
            if name.endswith(".sh"):
                for value in literals(os.path.join(SYSTEM, name)):
                    if len(value) >= 12 and len(set(value)) >= 8:
                        f.write("script %s\n" % value.encode().hex())
        os.chmod(needles, 0o666)
        shell = ["bash"] if name.endswith(".sh") else ["python3", "-B"]
        with open(base + ".output", "wb") as out:
            try:
                code = subprocess.run(
                    [watch, needles, base + ".report", *shell,
                     os.path.join(SYSTEM, name)],
                    stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                    timeout=LIMIT,
                    env=dict(os.environ, COFRE_TEST_CANARY=needles,
                             COFRE_TEST_CANARY_SEED=name, **more)).returncode
            except subprocess.TimeoutExpired:
                code = -1
        o.tries.append((way, code))
        if os.path.exists(base + ".report"):
            o.read(base + ".report")
        if code in (0, 77):
            o.way = way if code == 0 else "skipped"
            break
    return o


def control(keep):
    """What a program leaves everywhere, in each form, is found: [what is
    not]."""
    value = os.urandom(9).hex().encode() + b"/~+="
    base = os.path.join(keep, "control")
    os.makedirs(base, exist_ok=True)
    build = os.environ.get("BUILD", ".")
    program = shutil.copy(os.path.join(build, "tests/canary/control"),
                          os.path.join(base, "cofre"))
    with open(base + ".needles", "w") as f:
        f.write("control %s parts\n" % value.hex())
    before = b"\n1" + value        # another alignment than the first one
    # free(3) writes over the beginning.
    left = b"\0\n".join(
        [b"-" * 64, value, value[::-1], value.hex().encode(),
         value.hex().upper().encode(), base64.b64encode(before),
         base64.urlsafe_b64encode(before), value.decode().encode("utf-16-le"),
         value.decode().encode("utf-16-be"),
         urllib.parse.quote_from_bytes(value, safe="").encode()])
    subprocess.run([os.path.join(build, "tests/canary/watch"),
                    base + ".needles", base + ".report", program, value],
                   input=left, check=True,
                   env=dict(os.environ, CONTROL=value.decode()))
    o = Outcome("control")
    o.read(base + ".report")
    found = {(place, form) for _, _, place, _, form, _ in o.hits}
    wanted = {(place, form) for place in ("heap", "stack", "data", "mapped")
              for form in FORMS}
    wanted |= {("arguments", "raw"), ("environment", "raw")}
    return ["control: %s of it in %s was not found" % (form, place)
            for place, form in sorted(wanted - found)]


def exemptions():
    with open(os.path.join(HERE, "exempt")) as f:
        return [tuple(shlex.split(line)) for line in f
                if line.strip() and not line.startswith("#")]


def judge(o, exempt, used):
    """The hits that are none of those."""
    left = []
    for program, moment, place, needle, form, where in o.hits:
        what = (o.name, program, place, needle)
        line = next((e for e in exempt if all(
            fnmatch.fnmatch(a, b) for a, b in zip(what, e))), None)
        if line:
            used.add(line)
        # What lies in locked buffers while it is on its way is no hit.
        elif (moment, place) != ("idle", "arena"):
            left.append("%s: %s, %s: %s of %s (%s), %s" % (
                o.name, program, moment, place, needle, form, where))
    return left


def print_places(outcomes):
    sums = collections.Counter()
    for o in outcomes:
        sums.update(o.sums)
    print("\n%-8s %-12s %9s %12s %7s" % ("when", "where", "looks", "MiB",
                                         "hits"))
    for moment, place in sorted({k[:2] for k in sums}):
        print("%-8s %-12s %9d %12.1f %7d" % (
            moment, place, sums[moment, place, "looks"],
            sums[moment, place, "bytes"] / (1 << 20),
            sums[moment, place, "hits"]))
    return sums


def main():
    if os.geteuid() != 0:
        print("only root looks into all processes")
        return 1
    words = os.environ.get("ONLY", "").split()
    tests = [os.path.basename(p) for p in sorted(
        glob.glob(os.path.join(SYSTEM, "[0-9]*.py")) +
        glob.glob(os.path.join(SYSTEM, "[0-9]*.sh")))]
    tests = [t for t in tests
             if not words or any(w in t for w in words)]
    keep = os.environ.get("KEEP") or tempfile.mkdtemp(prefix="cofre-canary.")
    os.makedirs(keep, exist_ok=True)
    os.chmod(keep, 0o755)
    jobs = int(os.environ.get("JOBS") or os.cpu_count())
    begin = datetime.datetime.now()
    exempt, used, outcomes, bad = exemptions(), set(), [], control(keep)
    print("%-46s %-9s %7s %9s %6s" % ("test", "watched", "needles", "MiB",
                                      "hits"))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        asked = [pool.submit(run, t, keep) for t in tests]
        for done in concurrent.futures.as_completed(asked):
            o = done.result()
            outcomes.append(o)
            left = judge(o, exempt, used)
            size = sum(n for k, n in o.sums.items() if k[2] == "bytes")
            print("%-46s %-9s %7d %9.1f %6d" % (
                o.name, o.way or "FAILED", o.needles, size / (1 << 20),
                len(left)), flush=True)
            bad += left[:20]
            if not o.way:
                bad.append("%s: fails in each way: %s" % (o.name, o.tries))
            if o.blind:
                bad.append("%s: %d processes could not be looked at" %
                           (o.name, o.blind))
            if o.swapped:
                bad.append("%s: %d locked regions are in swap" %
                           (o.name, o.swapped))
    sums = print_places(outcomes)
    if not words:
        # Where only commands were watched some of them are not met.
        whole = [o.name for o in outcomes if o.way in ("canaries", "values")]
        bad += ["exempt: not needed: %s" % " ".join(e)
                for e in exempt if e not in used and
                fnmatch.filter(whole, e[0])]
    with open("/proc/swaps") as f:
        devices = len(f.readlines()) - 1
    print("\n%s: %d tests, %d needles in %d forms, %.1f GiB in %d looks; "
          "%.1f MiB of secret memory can't be read; %d swap devices; "
          "%d hits; %d at a time, %s" % (
              begin.date(), len(outcomes), sum(o.needles for o in outcomes),
              len(FORMS),
              sum(n for k, n in sums.items() if k[2] == "bytes") / (1 << 30),
              sum(n for k, n in sums.items() if k[2] == "looks"),
              sum(o.hidden for o in outcomes) / (1 << 20), devices,
              len([b for b in bad if " of " in b]), jobs,
              str(datetime.datetime.now() - begin)[:7]))
    if not os.environ.get("KEEP"):
        shutil.rmtree(keep)
    for text in bad:
        print(text)
    return 1 if bad or not outcomes else 0


sys.exit(main())
