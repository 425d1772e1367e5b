#!/usr/bin/env python3
"""What people meet who type commands: help that asks no daemon, a passphrase
that no terminal shows, a secret of which it is not said which field is meant,
an account's groups, and a command below `run exec` that is stopped alone."""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status

LIMIT = 30              # seconds, of which Argon2id takes most
USAGE, DENIED, WRONG_KEY, EXISTS = 2, 5, 11, 8
VERB = re.compile(r"^  ([a-z-]+) ", re.M)
OPTION = re.compile(r"--[a-z][a-z-]*")


# --- help ---------------------------------------------------------------------

def run(t, *words):
    return subprocess.run([t.cofre(), "--socket", "/nowhere/at/all", *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, timeout=LIMIT)


def help_of(t, *verb):
    """The texts below a verb; each says what its options are."""
    done = run(t, *verb, "--help")
    name = " ".join(verb)
    text = done.stdout.decode()
    same((done.returncode, done.stderr), (0, b""), "%s --help" % name)
    check(text.startswith("usage: cofre [--socket PATH] " + name), text)
    head = text.split("\n\n")[0]
    if "VERB ..." not in head:
        rows = text.split("\n\n")[-1]
        check("--help" in rows, "%s has no rows: %s" % (name, text))
        for option in set(OPTION.findall(head)) - {"--socket"}:
            check(re.search(r"^  (-., )?%s\b" % option, rows, re.M),
                  "%s --help does not tell of %s" % (name, option))
        return 1
    # Without a verb it says the same, and that it was not told enough.
    bare = run(t, *verb)
    same((bare.returncode, bare.stdout, bare.stderr.decode()),
         (USAGE, b"", text + ("" if verb else "cofre: there is no verb behind "
                              "--socket /nowhere/at/all\n")), name)
    bad = run(t, *verb, "nonsense")
    same((bad.returncode, bad.stdout), (USAGE, b""), name + " nonsense")
    check(b"no verb 'nonsense'" in bad.stderr, bad.stderr)
    verbs = VERB.findall(text)
    check(len(verbs) > 1, text)
    return sum(help_of(t, *verb, v) for v in verbs)


def before_the_verb(t):
    """Which socket is meant, in each way of saying so, and the version."""
    def said(*words):
        done = subprocess.run([t.cofre(), *words], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=LIMIT,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    same(said("-V"), said("--version"), "the version")
    check(said("-V")[1].startswith("cofre "), said("-V"))
    for words in ("--socket", "/nowhere/a"), ("--socket=/nowhere/a",), (
            "--socket", "/b", "--socket=/nowhere/a"):
        code, out, err = said(*words, "status")
        check(code != 0 and out == "" and "/nowhere/a: " in err, err)
    for words in ("--socket",), ("--socket=", "status"), (
            "--socket", "", "status"):
        code, out, err = said(*words)
        same((code, out), (USAGE, ""), err)
        check("--socket needs a path" in err, err)
    show("options before the verb say which socket is meant")


# --- a terminal ---------------------------------------------------------------

class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, t, d, *words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(t.cofre(), [t.cofre(), "--socket", d.socket, *words])
        self.shown, self.at = "", 0

    def until(self, text):
        """Up to that text, behind what was waited for before."""
        end = time.monotonic() + LIMIT
        while text not in self.shown[self.at:]:
            left = end - time.monotonic()
            check(left > 0 and select.select([self.fd], [], [], left)[0],
                  "%r does not come: %r" % (text, self.shown))
            try:
                self.shown += os.read(self.fd, 1000).decode()
            except OSError:
                check(False, "it ends with %r" % self.shown)
        self.at = self.shown.index(text, self.at) + len(text)

    def types(self, question, line):
        self.until(question)
        os.write(self.fd, line.encode() + b"\n")

    def end(self):
        """The exit code."""
        try:
            while True:
                self.shown += os.read(self.fd, 1000).decode()
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def passphrases(t):
    d = t.daemon()
    good, other = "correct horse battery", "a staple that is another"
    it = Terminal(t, d, "init")
    it.types("New passphrase: ", good)
    it.types("again: ", other)
    it.until("The two differ")
    it.types("New passphrase: ", good)
    it.types("again: ", good)
    same(it.end(), 0, it.shown)
    shown = it.shown
    it = Terminal(t, d, "init")
    same(it.end(), EXISTS, it.shown)
    root = d.connect()
    same(root.state(), wire.OPEN, "the vault's state")
    status(root.call("vault.lock"), "OK")
    it = Terminal(t, d, "unlock")
    it.types("assphrase: ", other)
    same(it.end(), WRONG_KEY, it.shown)
    shown += it.shown
    it = Terminal(t, d, "unlock")
    it.types("assphrase: ", good)
    same(it.end(), 0, it.shown)
    check("unlocked" in it.shown, it.shown)
    shown += it.shown
    for text in (good, other):
        check(text not in shown, "it is shown: %r" % shown)
    # Three times two that differ make no vault.
    e = t.daemon()
    it = Terminal(t, e, "init")
    for _ in range(3):
        it.types("New passphrase: ", good)
        it.types("again: ", other)
    same(it.end(), USAGE, it.shown)
    same(e.connect().state(), wire.EMPTY, "no vault")
    show("passphrases are typed twice, and not shown")
    return d, root


def nobody_to_ask(t, d, root):
    """Standard input is a terminal, but it is not this process's."""
    master, slave = pty.openpty()
    t.undo += [lambda: os.close(master), lambda: os.close(slave)]

    def refused(to, words, says):
        done = subprocess.run(
            [t.cofre(), "--socket", to.socket, *words], stdin=slave,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT,
            start_new_session=True)
        same((done.returncode, done.stdout), (USAGE, b""), done.stderr)
        check(says in done.stderr, done.stderr)

    refused(t.daemon(), ["init"], b"can't ask on the terminal: ")
    status(root.call("vault.lock"), "OK")
    refused(d, ["unlock"], b"can't ask on the terminal: ")
    refused(d, ["workspace", "delete", "w"], b"nothing was done")
    show("without a terminal of its own nothing is asked")


def names_are_typed(t, d, root):
    """What is deleted is typed anew: another name of its length is none, and
    so is its beginning."""
    status(root.call("workspace.create", workspace="old"), "OK")
    for typed, code in (("odd", USAGE), ("ol", USAGE), ("older", USAGE),
                        ("old", 0)):
        it = Terminal(t, d, "workspace", "delete", "old")
        it.types("Type its name to go on: ", typed)
        same(it.end(), code, it.shown)
        got = root.call("workspace.show", workspace="old")
        same(got.ok, code != 0, "is it there after %r?" % typed)
    show("a name is typed as it is")


# --- secrets on a terminal ----------------------------------------------------

def shown_when_asked(t, d, root):
    """A secret goes to a terminal when that is said, with an end of its
    line; a list that is no text does not."""
    status(root.put("w", "line", dict(value=b"typed-secret\n")), "OK")
    status(root.put("w", "word", dict(value=b"typed-secret")), "OK")
    for name in ("line", "word"):
        it = Terminal(t, d, "get", "w/" + name)
        same(it.end(), USAGE, it.shown)
        check("--reveal" in it.shown and "typed-secret" not in it.shown,
              it.shown)
        it = Terminal(t, d, "get", "w/" + name, "--reveal")
        same((it.end(), it.shown), (0, "typed-secret\r\n"), "revealed")
    it = Terminal(t, d, "ca", "krl", "w")
    same(it.end(), USAGE, it.shown)
    check("say --output FILE" in it.shown, it.shown)
    path = harness.write_file(os.path.join(t.dir, "open"), b"", 0o644)
    with open(path, "wb") as f:
        done = subprocess.run([t.cofre(), "--socket", d.socket, "get",
                               "w/word"], stdout=f, stderr=subprocess.PIPE)
    same((done.returncode, harness.read_file(path)), (0, b"typed-secret"),
         done.stderr)
    check(b"a file that others can read" in done.stderr, done.stderr)
    show("a secret is shown on a terminal when that is said")


def progress(t, d, root):
    """How far a resync is, which is wiped away before its table."""
    t.run_cofre(d, "source", "set", "w/word", "up", "at=x")
    it = Terminal(t, d, "resync-keys", "w", "--sources", "/nonexistent")
    same(it.end(), 4, it.shown)
    check("\rw: 1 of 1\r\033[K" in it.shown, repr(it.shown))
    check(it.shown.rindex("\033[K") < it.shown.index("OUTCOME"), it.shown)
    show("a terminal is told how far a resync is")


# --- fields, groups -----------------------------------------------------------

def which_field(t, d, root):
    status(root.call("workspace.create", workspace="w"), "OK")
    status(root.put("w", "n", dict(first=b"1", second=b"2")), "OK")
    done = subprocess.run([t.cofre(), "--socket", d.socket, "get", "w/n"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    same((done.returncode, done.stdout), (USAGE, b""), "of two fields")
    check(b"--field" in done.stderr and b"first" in done.stderr and
          b"second" in done.stderr, done.stderr)
    same(t.run_cofre(d, "get", "w/n", "--field", "second"), b"2", "one")
    show("of two secret fields one has to be named")


def groups_of_an_account(t, d, root):
    """why asks for an account with the groups that it has here."""
    group = os.path.join(t.dir, "group")
    text = harness.read_file("/etc/group").decode()
    harness.write_file(group, text + "last:x:60990:games\nfirst:x:60100:games\n"
                       "again:x:60990:games\n", 0o644)
    status(root.call("grant.add", workspace="w", role="contributor",
                     principal=wire.GROUP, id=60990), "OK")

    def why(uid, mounted):
        line = [t.cofre(), "--socket", d.socket, "why", "user:%d" % uid,
                "secret.get", "w/n"]
        if mounted:
            line = ["unshare", "-m", "sh", "-c",
                    'mount --bind "$0" /etc/group && exec "$@"', group] + line
        return subprocess.run(line, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)

    games = 5
    done = why(games, False)
    same(done.returncode, DENIED, done.stdout + done.stderr)
    done = why(games, True)
    same(done.returncode, 0, done.stdout + done.stderr)
    check(b"group:60990" in done.stdout, done.stdout)
    done = why(4242424, False)
    same(done.returncode, DENIED, done.stdout)
    check(b"has no account here" in done.stderr, done.stderr)
    show("an account is asked for with its groups")


# --- stopped alone ------------------------------------------------------------

def stopped_alone(t, d):
    p = subprocess.Popen(
        [t.cofre(), "--socket", d.socket, "run", "exec", "-w", "w",
         "--secret", "n:first", "--", "sh", "-c",
         'kill -STOP $$; cat "$0"', "{n}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    t.undo.append(p.kill)
    pid, how = os.waitpid(p.pid, os.WUNTRACED)
    check(os.WIFSTOPPED(how) and os.WSTOPSIG(how) == signal.SIGSTOP,
          "not stopped: %d" % how)
    os.kill(p.pid, signal.SIGCONT)
    out, err = p.communicate(timeout=LIMIT)
    same((p.returncode, out), (0, b"1"), err)
    show("a command that is stopped alone stops what waits for it, and both "
         "go on")


def test(t):
    show("%d verbs have help" % help_of(t))
    before_the_verb(t)
    d, root = passphrases(t)
    which_field(t, d, root)
    shown_when_asked(t, d, root)
    names_are_typed(t, d, root)
    progress(t, d, root)
    groups_of_an_account(t, d, root)
    stopped_alone(t, d)
    nobody_to_ask(t, d, root)


harness.main(test, limit=120)
