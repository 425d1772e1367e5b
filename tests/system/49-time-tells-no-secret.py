#!/usr/bin/env python3
"""No branch and no index of the daemon depends on a key, a token or a value.

The corpora of whole sessions and of changed stores go through the daemon's own
code under valgrind's memcheck, where all of these are undefined from the moment
they come in (tests/ctgrind/marks.h).  What was found must be nothing but what
tests/ctgrind/exempt has reasons for.  Controls that leak must be found."""
import os
import re
import shutil
import subprocess
import sys
sys.dont_write_bytecode = True

import harness
from expect import Skip, check, same, show

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.join(HERE, "..")
# All are more than 0 in what is printed of a corpus, or the marks are lost.
SEEN = {"session": ("received", "opened", "replied", "tokens", "comparisons",
                    "signatures"),
        "store": ("received", "opened", "replied", "comparisons",
                  "signatures")}


def readable(t, program):
    """valgrind 3.19 can't read what clang 14 writes for debuggers."""
    if b"clang version" not in harness.read_file(program):
        return program
    bare = os.path.join(t.dir, os.path.basename(program))
    subprocess.run(["strip", "-g", "-o", bare, program], check=True)
    return bare


def valgrind(t, name, *arguments):
    """(number of findings, what it says)."""
    program = readable(t, harness.program(
        "CTGRIND_" + name.upper(), os.path.join("tests", "ctgrind", name)))
    report = os.path.join(t.dir, "report")
    done = subprocess.run(
        ["valgrind", "--num-callers=30", "--leak-check=no",
         "--suppressions=" + os.path.join(TESTS, "ctgrind", "exempt"),
         "--log-file=" + report, program, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=300,
        env=dict(os.environ, TMPDIR=t.dir))
    said = done.stdout.decode(errors="replace")
    text = harness.read_file(report).decode(errors="replace")
    same(done.returncode, 0, "exit code of %s\n%s%s" % (name, said, text))
    found = re.search(r"ERROR SUMMARY: \d+ errors from (\d+) contexts", text)
    check(found is not None, "valgrind says %s" % text[-500:])
    return int(found.group(1)), said, text


def controls(t):
    """What leaks is found, by its name."""
    for what in ("branch", "index", "memcmp"):
        found, _, text = valgrind(t, "control", what)
        check(found > 0 and "control_" + what in text,
              "the %s of the control was not found: %s" % (what, text))
    same(valgrind(t, "control", "none")[0], 0, "findings in what leaks not")
    show("controls: a branch, an index and memcmp(3) are found")


def corpus(t, name):
    found, said, text = valgrind(
        t, name, os.path.join(TESTS, "fuzz", "corpus", name))
    same(found, 0, "findings with the corpus %s\n%s" %
         (name, "\n".join(line for line in text.splitlines()
                          if not line.startswith("--"))[:1900]))
    line, = [x for x in said.splitlines() if x.startswith("secret: ")]
    for what in SEEN[name]:
        check(re.search(r"[1-9]\d* (bytes )?" + what, line),
              "nothing secret among what was %s: %s" % (what, line))
    show("%s: no finding; %s" % (name, line))


def test(t):
    if shutil.which("valgrind") is None:
        raise Skip("valgrind is not installed")
    if not os.path.exists("tests/ctgrind/control"):
        raise Skip("built without valgrind/memcheck.h")
    if t.has_sanitizer():
        show("skipped part: all of it, in this build: what a sanitizer is in "
             "can't run under valgrind")
        return
    if t.counts():
        show("skipped part: all of it, in this build: what counts what is "
             "reached has branches of its own")
        return
    controls(t)
    for name in SEEN:
        corpus(t, name)


harness.main(test, limit=600)
