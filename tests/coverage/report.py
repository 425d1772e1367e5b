#!/usr/bin/env python3
"""What llvm-cov has exported, as a table: lines and branches of each file of
src/ and client/, of the groups in `floors`, and of all; and what is below
its floor.

    report.py SRCDIR EXPORT [FILE...]

With FILEs, what is not reached in them is printed as well.  A branch is one
outcome of a condition.  Those that nothing can reach are in `unreachable`, by
their functions and each with its reason: they are not counted, and if one is
reached, or is not there any more, that is an error."""
import collections
import json
import os
import sys
sys.dont_write_bytecode = True

Branch = collections.namedtuple("Branch",
                                "file function line text outcome reached")


def table(path):
    """The lines of a list that are neither empty nor comments."""
    with open(path) as f:
        return [line.rstrip("\n") for line in f
                if line.strip() and not line.startswith("#")]


class Sources:
    """Conditions, as they stand in the files."""

    def __init__(self):
        self.files = {}

    def text(self, path, line, column, end, end_column):
        if path not in self.files:
            with open(path) as f:
                self.files[path] = f.read().split("\n")
        lines = self.files[path][line - 1:end]
        lines[-1] = lines[-1][:end_column - 1]
        lines[0] = lines[0][column - 1:]
        return " ".join(" ".join(lines).split())


class Coverage:
    def __init__(self, srcdir, export):
        self.lines = {}             # file: (reached, all)
        self.branches = []
        self.missed = {}            # file: lines
        self.sources = Sources()
        self.root = os.path.realpath(srcdir) + os.sep
        with open(export) as f:
            data, = json.load(f)["data"]
        for entry in data["files"]:
            name = self.name(entry["filename"])
            if name.startswith(("src/", "client/")):
                self.add(name, entry)
        self.add_branches(data["functions"])

    def name(self, path):
        path = os.path.realpath(path)
        return path[len(self.root):] if path.startswith(self.root) else path

    def add(self, name, entry):
        lines = entry["summary"]["lines"]
        if lines["count"] == 0:
            return
        self.lines[name] = lines["covered"], lines["count"]
        self.missed[name] = missed_lines(entry["segments"])

    def add_branches(self, functions):
        """Each condition of each function; the same function may have been
        compiled more than once."""
        seen = collections.defaultdict(lambda: [0, 0])
        for function in functions:
            files = function["filenames"]
            for b in function["branches"]:
                where = (files[b[6]],) + tuple(b[:4]) + (
                    function["name"],)
                seen[where][0] += b[4]
                seen[where][1] += b[5]
        for (path, *place, function), counts in sorted(seen.items()):
            name = self.name(path)
            if name not in self.lines:
                continue
            text = self.sources.text(path, *place[:2], *place[2:])
            for outcome, count in zip(("true", "false"), counts):
                # A static function has its file's name before its own.
                self.branches.append(Branch(
                    name, function.rsplit(":")[-1], place[0], text, outcome,
                    count > 0))

    def leave_out(self, entries):
        """Without the branches that can't be reached; complaints."""
        bad = []
        for entry in entries:
            file, function, text, outcome, reason = entry.split(" | ")
            found = [b for b in self.branches if b.file == file and
                     b.function == function and b.text == text and
                     b.outcome == outcome]
            if not found:
                bad.append("no such branch: " + entry)
            elif any(b.reached for b in found):
                bad.append("it is reached: " + entry)
            self.branches = [b for b in self.branches
                             if b not in found or b.reached]
        return bad

    def figures(self, files):
        branches = [b for b in self.branches if b.file in files]
        return (sum(self.lines[f][0] for f in files),
                sum(self.lines[f][1] for f in files),
                sum(b.reached for b in branches), len(branches))

    def show_missed(self, file):
        for line in self.missed[file]:
            print("%s:%d: not reached" % (file, line))
        for b in self.branches:
            if b.file == file and not b.reached:
                print("%s:%d: never %s: %s" %
                      (file, b.line, b.outcome, b.text))


def missed_lines(segments):
    """The lines on which a region begins that was never entered."""
    return sorted({s[0] for s in segments if s[3] and s[4] and s[2] == 0})


def percent(part, whole):
    """Rounded down, so that 100 is all."""
    return 100.0 if whole == 0 else part * 1000 // whole / 10


def show(name, lines, all_lines, branches, all_branches):
    print("%-32s %6d %6d %6.1f %6d %6d %6.1f" % (
        name, lines, all_lines, percent(lines, all_lines), branches,
        all_branches, percent(branches, all_branches)))


def check_floors(coverage, floors):
    bad = []
    for row in floors:
        name, lines, branches, *files = row.split()
        gone = [f for f in files if f not in coverage.lines]
        bad += ["%s: no such file: %s" % (name, f) for f in gone]
        got = coverage.figures([f for f in files if f not in gone] or
                               sorted(coverage.lines))
        show(name, *got)
        for what, floor, at in (("lines", lines, 0),
                                ("branches", branches, 2)):
            if percent(*got[at:at + 2]) < float(floor):
                bad.append("%s: %.1f %% of the %s, the floor is %s" % (
                    name, percent(*got[at:at + 2]), what, floor))
    return bad


def main(srcdir, export, *files):
    here = os.path.join(srcdir, "tests", "coverage")
    coverage = Coverage(srcdir, export)
    bad = coverage.leave_out(table(os.path.join(here, "unreachable")))
    print("%-32s %13s %6s %13s %6s" % ("", "lines  of", "%",
                                       "branches  of", "%"))
    for file in sorted(coverage.lines):
        show(file, *coverage.figures([file]))
    bad += check_floors(coverage, table(os.path.join(here, "floors")))
    for file in files:
        coverage.show_missed(file)
    for line in bad:
        print("coverage: " + line)
    return 1 if bad else 0


sys.exit(main(*sys.argv[1:]))
