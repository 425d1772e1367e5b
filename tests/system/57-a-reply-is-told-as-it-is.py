#!/usr/bin/env python3
"""What the daemon answers gets to the user: each way in which a run ends, each
state, verdict and condition of a grant, in words and in JSON; and why nothing
came of what was asked, with the exit code that is for it.  An answer that
can't be is refused, in words as in JSON.  The daemon is made up, so that it
answers what a real one rarely has a reason for; so is the ssh that logs in.
Whatever fails in what waits, or logs in, is told."""
import base64
import json
import os
import struct
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import faults
import harness
import refusals
import rehearsal
from expect import check, show
from made_up import BAD_LIST, always, in_turn, item, liar

# Exit codes.
INTERNAL, USAGE, ALL_FAILED, DENIED, NOT_FOUND, CONFLICT = 1, 2, 4, 5, 6, 8
INVALID, BAD_REPLY, UNREACHABLE, WRONG_KEY, LOG_FAILED = 9, 10, 10, 11, 12
RUN, RUN_NAME = "r" * 16, "72" * 16
HOST_KEY = refusals.HOST_KEY
PIN = wire.put_string(base64.b64decode(HOST_KEY.split()[1]))
NO_ANSWER = "the answer can't be decoded"
NO_ID = 0xffffffff

# Why a run is over: what list and show say.
ENDS = [("", "before the vault was opened"), ("asked", "by run end"),
        ("lifetime", "its lifetime was over"),
        ("process", "with its process"),
        ("cgroup", "its cgroup was empty"),
        ("workspace", "its workspace was deleted"),
        ("unseen", "its process or cgroup went while the vault was closed"),
        ("reboot", "the machine was started anew"), ("?", "?")]


def run_of(why, **more):
    return dict(dict(run=RUN, state=2, target=2, cgroup="/x", uid=NO_ID,
                     token=1, ended=1, why=why, reads=7), **more)


def runs():
    for why, (word, text) in enumerate(ENDS):
        yield ("run show ml %s" % RUN_NAME, always(run_show=run_of(why)),
               0, [", %s\n" % text, "cgroup /x\n", "uid       any\n",
                   "token     yes\n"], [])
        yield ("run show ml %s --json" % RUN_NAME,
               always(run_show=run_of(why)), 0,
               ['"why": %s' % ('"%s"' % word if word else "null"),
                '"uid": null', '"pid": null', '"cgroup": "/x"'], [])
        yield ("run list ml --json",
               always(run_list=dict(items=[item("run", **run_of(why))])), 0,
               ['"why": %s' % ('"%s"' % word if word else "null")], [])


READ = [item("run_secret", name="a", version=3, reads=2),
        item("run_secret", name="b")]
A_RUN = dict(items=[item("run", run=RUN)])
SAME_RUN = dict(A_RUN, more=1)
SECRET = dict(kind=4, state=1, version=2, stale=2, source="file",
              name="other")
A_TARGET = dict(host="h", user="u", port=22, for_ca=1,
                keys=[item("target_key", version=1, public="k" * 32)])
PINNED = dict(A_TARGET, pins=[item("pin", key=PIN)])
OTHER_KEY = "ssh-ed25519 " + base64.b64encode(
    base64.b64decode(HOST_KEY.split()[1])[:-1] + b"x").decode()
ROLE = dict(custom=1, version=3, name="Mine")
GRANT = dict(principal=4, who="ml", scope="ml")
HELD = item("who", role="reader", **GRANT)
MORE = item("who", role="owner", **GRANT)
ONE = dict(items=[item("workspace", name="ml")])

NOW = int(time.time() * 1000000)


def unused(code, has, lacks, *reads):
    """A secret of long ago, and a log in which it was read or not."""
    events = BAD_LIST if None in reads else [
        item("event", **dict(dict(cell=n, type=3, op=49), **read))
        for n, read in enumerate(reads, 1)]

    def answer(name, q):
        if name == "secret.list":
            return dict(items=[item("secret", name="a", kind=4, state=1,
                                    version=1, created=5, updated=5)])
        # Where to begin is asked first, one record at a time.
        return dict(next=9, end=9, items=events if q["max"] > 1 else [
            item("event", cell=max(q["from"], 1), time=NOW, op=16)])
    return ("unused ml --days 3", answer, code, has,
            [NO_ANSWER] if code else [], {}, lacks)


# A variable of the command's environment, which holds what is a secret.
VARIABLE, LEAKED = "L" * 120, "a-value-that-is-a-secret"


def leaking(says, name={}, value={"found": 1, "name": "other"}):
    """What the scan says of the name, and of the value, by themselves."""
    def answer(op, q):
        if op != "run.scan":
            return {}
        texts = [m["text"].decode("latin-1") for m in q["texts"]]
        if texts == [VARIABLE]:
            return name
        if texts == [LEAKED]:
            return value
        return next((dict(found=i, name="other")
                     for i, text in enumerate(texts, 1) if LEAKED in text),
                    {})
    return ("run exec -w ml --secret other -- true {other}", answer, INVALID,
            [], ["nothing was started: " + says], {}, [LEAKED])


def first_line(_, q):
    """Of two connections that wait the first one is told."""
    if "wait" in q and q["wait"] and q["items"][0]["name"] == b"n0":
        return dict(name="n0", version=5)
    return {}


TOLD = [
    # Runs.
    ("run show ml " + RUN_NAME, always(run_show=run_of(1, items=READ)), 0,
     ["secret    a, version 3, read 2 times\n", "secret    b, not read\n"],
     []),
    ("run show ml " + RUN_NAME,
     always(run_show=run_of(1, state=1, target=1, pid=9, uid=5)), 0,
     ["state     active\n", "process 9\n", "uid       5\n"], []),
    ("run show ml " + RUN_NAME,
     always(run_show=run_of(1, state=9, target=9)), 0,
     ["state     ?\n", "target    ?\n"], []),
    ("run show ml " + RUN_NAME, always(run_show=run_of(1, run="x" * 16)),
     BAD_REPLY, [], [NO_ANSWER]),
    ("run show ml " + RUN_NAME, always(run_show=run_of(1, run="x")),
     BAD_REPLY, [], [NO_ANSWER]),
    ("run show ml 72727272", always(run_list=SAME_RUN), BAD_REPLY, [],
     [NO_ANSWER]),
    ("run end ml 72727272", always(run_list=dict(more=1)), BAD_REPLY, [],
     [NO_ANSWER]),
    ("run list ml", always(run_list=dict(items=[item("run", run="x")])),
     BAD_REPLY, [], [NO_ANSWER]),
    # What is there.
    ("show ml/other", always(secret_show=SECRET), 0,
     ["source    file\n", "stale     version 2, refused upstream\n"], []),
    ("show ml/other --json", always(secret_show=SECRET), 0,
     ['"stale": 2', '"source": "file"'], []),
    ("show ml/other", always(secret_show=dict(SECRET, state=3)), 0,
     ["state     purged\n"], []),
    ("versions ml/other --json", always(secret_versions=dict(items=[
        item("version", version=1, slot=1),
        item("version", version=2, slot=2)])), 0,
     ['"key": "1"', '"key": "2"'], []),
    ("slot list", always(slot_list=dict(items=[
        item("slot", slot=1, type=2), item("slot", slot=2, type=9)])), 0,
     ["passphrase", "?"], []),
    ("status", always(status=dict(state=1)), 0, ["locked"], []),
    ("doctor", always(vault_report=dict(items=[
        item("report", key="a", value="b", level=2)])), 0,
     ["1 line is marked '!'"], []),
    ("doctor", always(vault_report=dict(items=[
        item("report", key=k, value="b", level=2) for k in "ac"])), 0,
     ["2 lines are marked '!'"], []),
    ("doctor --json", always(vault_report=dict(items=[
        item("report", key="a", value="b", level=9)])), 0,
     ['"level": "?"'], []),
    ("target show ml/host", always(target_show=dict(A_TARGET, for_ca=0)), 0,
     ["certified   no: it was set by who may set some targets only\n",
      "options     -\n", "host key    none is pinned\n"], []),
    ("ca public-key ml --known-hosts ", always(), USAGE, [],
     ["is no list of names"]),
    # Roles, grants and verdicts.
    ("role show Mine", always(role_show=dict(ROLE, actions=0)), 0,
     ["may             nothing\n"], []),
    ("role show Mine", always(role_show=dict(ROLE, scopes=[
        item("scope", workspace="ml"),
        item("scope", workspace="ml", prefix="a-")])), 0,
     ["scope           /ml\n", "scope           /ml/a-*\n"], []),
    ("why user:7 secret.get ml", always(policy_explain=dict(verdict=0)),
     DENIED, ["the question makes no sense"], []),
    ("why user:7 secret.get ml", always(policy_explain=dict(verdict=2)),
     DENIED, ["no role that it has here allows it"], []),
    ("why user:7 secret.get ml --json",
     always(policy_explain=dict(verdict=0)), DENIED, ['"error"'], []),
    ("why user:7 hello ml", always(), USAGE, [], ["everybody may do hello"]),
    ("who ml", always(policy_who=dict(items=[
        item("who", principal=5, who="a.service", role="reader"),
        item("who", principal=6, role="reader")])), 0,
     ["unit:a.service", "run"], []),
    ("identity show ml", always(identity_show=dict(
        canonical=[HELD], actual=[MORE])), 0,
     ["no, it was revoked", "owner"], []),
    ("identity list", always(workspace_list=ONE, identity_show=dict(
        canonical=[HELD], actual=[HELD, MORE])), 0, ["extra"], []),
    ("identity list", always(workspace_list=ONE, identity_show=dict(
        canonical=[HELD, MORE], actual=[HELD])), 0, ["incomplete"], []),
    # What is refused, or does not hold together.
    ("delete ml/a", always(secret_show=dict(kind=1, state=1),
                           secret_list="DENIED"), 0, [],
     ["you may not list the workspace"]),
    ("delete ml/a", always(secret_show=dict(kind=1, state=2)), 0, [], []),
    ("ca krl ml", always(ca_krl=dict(krl="")), BAD_REPLY, [], [NO_ANSWER]),
    ("ca show ml", always(ca_show=dict(public="k")), BAD_REPLY, [],
     [NO_ANSWER]),
    ("ca host ml/host", always(target_show=A_TARGET), USAGE, [],
     ["no host key is pinned"]),
    ("target create ml/x --host h --user u",
     always(target_create=dict(version=1, public="k")), BAD_REPLY, [],
     [NO_ANSWER]),
    ("target list ml", always(target_list=dict(items=[
        item("target", name="a", public="k")])), BAD_REPLY, [], [NO_ANSWER]),
    ("target list ml", always(target_list=dict(more=1)), BAD_REPLY, [],
     [NO_ANSWER]),
    ("target known-hosts ml", always(target_list=dict(more=1)), BAD_REPLY,
     [], [NO_ANSWER]),
    ("target known-hosts ml", always(target_list=dict(items=BAD_LIST)),
     BAD_REPLY, [], [NO_ANSWER]),
    ("target known-hosts ml", always(target_list=b"\xff"), BAD_REPLY, [],
     [NO_ANSWER]),
    ("workspace list", always(workspace_list=dict(more=1)), BAD_REPLY, [],
     [NO_ANSWER]),
    ("identity list", always(workspace_list=dict(more=1)), BAD_REPLY, [],
     [NO_ANSWER]),
    ("identity list", always(workspace_list=dict(items=[
        item("workspace", name="")])), BAD_REPLY, [], [NO_ANSWER]),
    ("list ml", in_turn(secret_list=[dict(next=5), dict(next=5)]),
     BAD_REPLY, [], [NO_ANSWER]),
    ("activity", always(activity_read=dict(next=1, end=1, items=[
        item("event", type=4)])), 0, ["note"], []),
    ("activity --json", always(activity_read=dict(next=1, end=1, items=[
        item("event", type=4)])), 0, ['"note"'], []),
    ("activity", in_turn(activity_read=[
        dict(next=5, end=9), dict(next=4, end=9)]), BAD_REPLY, [],
     [NO_ANSWER]),
    ("activity", in_turn(activity_read=[
        dict(next=5, end=9), dict(next=5, end=9)]), BAD_REPLY, [],
     [NO_ANSWER]),
    ("watch ml/other --once", in_turn(secret_watch=[
        dict(name="other", version=2), {}, dict(name="other")]), 0,
     ["ml/other deleted\n"], []),
    ("ca revoke ml 1 --until never", always(), USAGE, [], ["--until: "]),
    ("ca host ml/host --host-key nokey", always(target_show=A_TARGET), USAGE,
     [], ["nokey"]),
    ("ca host ml/host --lifetime 0s", always(target_show=PINNED), USAGE, [], ["--lifetime: "]),
    ("ca host ml/host", always(target_show=dict(
        A_TARGET, pins=[item("pin", key=PIN)] * 2)), USAGE, [],
     ["its host has several pinned keys"]),
    ("ca host ml/host" + " --name h" * 33, always(target_show=PINNED), USAGE, [], ["--name: "]),
    ("activity --json", always(activity_read=dict(next=1, end=9, bad=0)),
     BAD_REPLY, [], [NO_ANSWER]),
    ("unused ml --days 3", always(activity_read=dict(next=1, end=1)), 0, [],
     []),
    ("unused ml --days 3", always(
        activity_read=dict(next=1, end=1), secret_list=dict(items=[
            item("secret", name="a", kind=4, state=1, version=1)])), 0,
     ["a"], []),
    ("delete ml/a", always(secret_show=dict(kind=1, state=1)), 0, [], []),
    ("ca host ml/host --host-key KEYLINE --host-key OTHERLINE",
     always(target_show=PINNED), USAGE, [], ["a certificate is for one key"]),
    ("ca host ml/host --host-key OTHERLINE", always(target_show=PINNED),
     CONFLICT, [], ["names a key that is not pinned"]),
    ("get ml/other --version 2 --field value", always(secret_get=dict(
        kind=4, version=2,
        fields=[item("field", name="value", flags=1, value="v2")])), 0,
     ["v2"], []),
    ("identity bind ml --cgroup /x.slice", always(), 0, [], []),
    ("target set ml/host --unrestricted",
     always(target_show=dict(A_TARGET, options="junk")), 0, [], []),
    ("target set ml/host --for-runs",
     always(target_show=dict(A_TARGET, options="junk")), USAGE, [],
     ["its options 'junk' can't stay as they are"]),
    ("watch ml/other", in_turn(secret_watch=[
        {}, {}, dict(name="other", version=3), None]), UNREACHABLE,
     ["ml/other version 3\n"], ["closed the connection"]),
    ("watch --once" + "".join(" ml/n%d" % n for n in range(65)),
     first_line, 0, ["ml/n0 version 5\n"], []),
    # Who has read what, by the log.
    unused(0, ["a "], []),
    unused(0, [], ["a "], dict(object="ml/a", time=NOW)),
    unused(0, ["a "], [], dict(object="ml", time=NOW)),
    unused(0, ["a "], [], dict(object="ml/" + "x" * 150, time=NOW)),
    unused(0, ["a "], [], dict(object="ml/b", time=NOW)),
    unused(0, ["a "], [], dict(object="ml/a", time=10)),
    unused(0, ["a "], [], dict(object="ml/a", time=NOW, status=1)),
    unused(BAD_REPLY, [], [], None),
    ("role import /dev/stdin", always(), INVALID, [], ["line 1, column 1"]),
    ("role import /dev/fd/0x", always(), USAGE, [], ["/dev/fd/0x"]),
    # Only a name that is known to hold nothing itself is told.
    leaking("the environment variable " + "L" * 100 + " holds the secret "
            "'other'"),
    leaking("string ", name=dict(found=1, name="other")),
    leaking("string ", name="BUSY"), leaking("string ", value="BUSY"),
    leaking("string ", value={}),
    # Options of the command itself.
    ("-V", always(), 0, ["cofre "], []),
    ("-h", always(), 0, ["usage: cofre"], []),
    ("--socket=/nowhere/at/all status", always(), UNREACHABLE, [],
     ["connect to /nowhere/at/all"]),
    ("--socket", always(), USAGE, [], ["--socket needs a path"]),
    ("--socket= status", always(), USAGE, [], ["--socket needs a path"]),
    ("run exec -w ml --secret other -- true {other}", always(
        run_scan=dict(next=1)), BAD_REPLY, [], [NO_ANSWER]),
]

# In words as in JSON; what was told before may be printed.  Each list is tried
# with an item that is none, and with more in it than it counts.
EXTRA = struct.pack(">II", 0, 3) + b"\xff" * 3
BROKEN = [
    ("identity show ml", dict(identity_show=dict(items=BAD_LIST))),
    ("identity show ml", dict(identity_show=dict(canonical=BAD_LIST))),
    ("identity show ml", dict(identity_show=dict(actual=BAD_LIST))),
    ("role show Mine", dict(role_show=dict(ROLE, patterns=BAD_LIST))),
    ("role show Mine", dict(role_show=dict(ROLE, not_actions=BAD_LIST))),
    ("role show Mine", dict(role_show=dict(ROLE, data_actions=BAD_LIST))),
    ("role show Mine",
     dict(role_show=dict(ROLE, not_data_actions=BAD_LIST))),
    ("role show Mine", dict(role_show=dict(ROLE, scopes=BAD_LIST))),
    ("show ml/other", dict(secret_show=dict(SECRET, fields=BAD_LIST))),
    ("run show ml " + RUN_NAME,
     dict(run_show=run_of(1, items=BAD_LIST))),
    ("why user:7 secret.get ml",
     dict(policy_explain=dict(verdict=1, items=BAD_LIST))),
    ("target show ml/host", dict(target_show=dict(A_TARGET, keys=BAD_LIST))),
    ("target show ml/host", dict(target_show=dict(A_TARGET, pins=BAD_LIST))),
    ("target show ml/host",
     dict(target_show=dict(A_TARGET, namespaces=BAD_LIST))),
    ("list ml", dict(secret_list=dict(items=BAD_LIST))),
    ("identity list", dict(workspace_list=dict(items=BAD_LIST))),
    ("resync-keys ml", dict(resync_list=dict(items=BAD_LIST))),
    ("workspace list", dict(workspace_list=dict(items=BAD_LIST))),
    ("run list ml", dict(run_list=dict(items=BAD_LIST))),
    ("who ml", dict(policy_who=dict(items=BAD_LIST))),
    ("versions ml/other", dict(secret_versions=dict(items=BAD_LIST))),
]
NAMES = {}


SLOTS = dict(items=[item("slot", slot=n, type=2, ops=1, mem=8192,
                         salt="s" * 16) for n in (1, 2)])
NO_SALT = dict(items=[item("slot", slot=1, type=2, ops=1, mem=8192)])


def unlocking(line, answers, *row, slots=SLOTS):
    return (line, in_turn(status=[dict(state=1)], slot_list=[slots],
                          vault_unlock=answers)) + row


UNLOCKED = [
    # Each slot has a key of its own: all of them are tried.
    unlocking("unlock", ["WRONG_KEY", {}], 0, ["unlocked\n"], []),
    unlocking("unlock", ["WRONG_KEY"], WRONG_KEY, [], ["unlock"]),
    unlocking("unlock --slot 2", ["WRONG_KEY", {}], WRONG_KEY, [],
              ["the key does not open slot 2"]),
    unlocking("unlock --slot 3", [{}], NOT_FOUND, [],
              ["there is no such passphrase slot"]),
    unlocking("unlock", [{}], INVALID, [], ["Argon2id that is not done here"],
              slots=NO_SALT),
    unlocking("unlock", [{}], BAD_REPLY, [], [NO_ANSWER],
              slots=dict(items=BAD_LIST)),
    unlocking("unlock", [{}], BAD_REPLY, [], [NO_ANSWER], slots=b"\xff"),
    ("init --passphrase", always(), USAGE, [], ["is too short"]),
    ("slot add --passphrase", always(), USAGE, [], ["is too short"]),
]

# What sources say, by what they are asked.
KEY = base64.b64encode(b"k" * 64).decode()
SOURCE = """#!/bin/sh
case $(cat) in
*'"pull"'*) cat %(dir)s/pull ;;
*'"regenerate"'*) cat %(dir)s/regenerate ;;
*'"probe"'*) cat %(dir)s/probe ;;
esac
"""


def says(**more):
    return dict(dict(fields=dict(AccountKey=KEY)), **more)


def key_of(**more):
    return item("resync", **dict(dict(
        name="store", kind=1, version=1, source="up",
        arguments=[item("argument", name="at", value="x")]), **more))


def resync(options, keys, pull, code, out, err=(), regenerate=None,
           probe=None, **answers):
    """A row: what the sources say besides, and the daemon in turn."""
    answers = dict(dict(resync_list=[dict(items=keys)], resync_stage=[
        dict(result=2, version=2)]), **answers)
    return (("resync-keys ml " + options).strip(),
            in_turn(**answers), code, out, err,
            dict(pull=pull, regenerate=regenerate, probe=probe))


ROTATES = says(slot=1, rotate=True)
PROBED = says(slot=1, probe=True)
NEW_KEY = says(slot=2)
RETIRING = [key_of(retire=1, retire_version=3, holders=4)]
DUE = [key_of(retire=1, due=1)]
OTHER_SLOT = ["has answered for key 1"]
WORDS = dict(fields=dict(value="v"))
KEPT = ("DELETED", "TOO_LARGE", "LIMIT", "NOT_FOUND", "INVALID", "CORRUPT")


def resyncs():
    for name in KEPT:
        yield resync("", [key_of()], says(), ALL_FAILED, ["failed"],
                     resync_stage=[name, {}])
    for outcome in ("rotated", "would-be-rotated"):
        yield resync(
            "--rotate" + (" --dry-run" if "would" in outcome else ""),
            [key_of(kind=2)], ROTATES, 0, [outcome], regenerate=NEW_KEY)
    # A character that would be cut is left out.
    for text in ("\u00e9" * 999, "a" + "\u00e9" * 999, "b" * 999):
        yield resync("", [key_of()], PROBED, ALL_FAILED, ["does not work: "],
                     probe=dict(ok=False, reason=text))


RESYNCS = list(resyncs()) + [
    resync("", [key_of()], says(), ALL_FAILED, ["skipped"],
           resync_stage=["CONFLICT"]),
    resync("", [key_of()], says(), LOG_FAILED, [], ["resync-keys ml: "],
           resync_stage=["LOG_FAILED"]),
    resync("", [key_of()], says(), LOG_FAILED, [], ["resync-keys ml: "],
           resync_stage=["LIMIT", "LOG_FAILED"]),
    resync("", [key_of(), key_of(name="too")], says(), LOG_FAILED, [],
           ["resync-keys ml: "], resync_stage=["LOG_FAILED"]),
    resync("", [key_of()], says(), ALL_FAILED, ["skipped", "meanwhile"],
           resync_commit=[dict(skipped=[item("name", name="store"),
                                        item("name", name="none")])]),
    resync("", [key_of()], says(), BAD_REPLY, [], [NO_ANSWER],
           resync_commit=[dict(skipped=BAD_LIST)]),
    resync("", [key_of()], says(), BAD_REPLY, [], [NO_ANSWER],
           resync_commit=[b"\xff"]),
    resync("", [key_of()], says(), BAD_REPLY, [], [NO_ANSWER], resync_list=[
        dict(next=5, items=[key_of()]), dict(next=5)]),
    resync("", [], says(), 0, ["a     datastore", "b     storage"], resync_list=[
        dict(next=5, items=[key_of(name="b")]),
        dict(items=[key_of(name="a", kind=3)])]),
    resync("", [key_of(kind=4)], WORDS, 0, ["updated"]),
    resync("", [key_of(kind=2)], says(fields=dict(password="p")), 0,
           ["updated"]),
    resync("", [key_of(kind=3)], says(fields=dict(password="p")), 0,
           ["updated"]),
    # Two keys.
    resync("--rotate", [key_of()], says(slot=1), 0,
           ["updated", "its source makes no keys anew"]),
    resync("--rotate", [key_of(kind=4)], dict(WORDS, rotate=True), 0,
           ["updated"]),
    resync("--rotate", RETIRING, ROTATES, 0,
           ["key 1 is made anew once version 3 is gone, which 4 runs"]),
    resync("--rotate", [key_of(slot=2)], dict(ROTATES, slot=0), ALL_FAILED,
           ["has answered for key 2"], regenerate=NEW_KEY),
    resync("--rotate", [key_of(serial=9)], ROTATES, ALL_FAILED,
           ["the answer is older than the last one"],
           regenerate=dict(NEW_KEY, serial=8)),
    resync("--rotate", [key_of()], ROTATES, ALL_FAILED,
           OTHER_SLOT, regenerate=says(slot=1)),
    resync("--rotate", DUE, {}, 0, ["retired"], regenerate=says(slot=1)),
    resync("--rotate --dry-run", DUE, {}, 0, ["would-be-retired"]),
    resync("--rotate", DUE, {}, ALL_FAILED, ["failed"], regenerate=NEW_KEY),
    resync("--rotate", DUE, {}, ALL_FAILED, ["skipped"],
           regenerate=says(slot=1), resync_stage=["CONFLICT"]),
    resync("--rotate", DUE, {}, LOG_FAILED, [], ["resync-keys ml: "],
           regenerate=says(slot=1), resync_stage=["LOG_FAILED"]),
    # A new key is tried, and one that is refused upstream.
    resync("", [key_of()], PROBED, 0, ["updated"], probe=dict(ok=True)),
    resync("", [key_of(stale=1)], PROBED, 0, ["unchanged"],
           probe=dict(ok=True), resync_stage=[dict(result=1)]),
    resync("", [key_of()], PROBED, 0, ["unchanged"],
           resync_stage=[dict(result=1)]),
    resync("--dry-run", [key_of()], PROBED, 0, ["would-be-updated"]),
    resync("", [key_of()], PROBED, ALL_FAILED, ["does not work"],
           probe=dict(ok=False)),
    resync("", [key_of()], PROBED, ALL_FAILED, ["skipped"],
           resync_stage=["CONFLICT"]),
    resync("", [key_of()], PROBED, LOG_FAILED, [], ["resync-keys ml: "],
           resync_stage=["LOG_FAILED"]),
    # Without sources every key fails, and the daemon is told of each.
    resync("--sources /nonexistent", [key_of(), key_of(name="too")], {},
           ALL_FAILED, ["store", "too", "/nonexistent: there is no such directory"]),
    resync("--sources /nonexistent", [key_of(), key_of(name="too")], {},
           LOG_FAILED, [], ["resync-keys ml: "], resync_stage=["LOG_FAILED"]),
]

# What comes of grants.
GRANTS = [
    ("resync-keys ml --only grants", always(
        identity_show="DENIED", resync_commit=dict(
            restored=[item("who", principal=4, who="ml", scope="ml")])), 0,
     ["repaired"], []),
    ("resync-keys ml --only grants", always(
        identity_show="DENIED", resync_commit=dict(restored=BAD_LIST)),
     BAD_REPLY, [], [NO_ANSWER]),
    ("resync-keys ml --only grants", always(
        identity_show="DENIED", resync_commit=dict(extra=BAD_LIST)),
     BAD_REPLY, [], [NO_ANSWER]),
    ("resync-keys ml --only grants --dry-run", always(
        identity_show="DENIED", identity_repair=b"\xff"),
     BAD_REPLY, [], [NO_ANSWER]),
    ("resync-keys ml", in_turn(
        resync_list=[dict(items=[key_of()])],
        resync_begin=[{}, "LOG_FAILED"]), LOG_FAILED, [],
     ["resync-keys ml: the activity log"]),
    ("resync-keys ml --grace 1h --only grants", always(), 0, [], []),
    ("resync-keys ml --deadline 999999", always(), USAGE, [],
     ["--deadline takes 1 to"]),
]


# What an ssh does that is none: the key it has met, and its exit code.
SSH = """#!/bin/sh
for word; do
    case $word in
    KnownHostsCommand=*)
        tell=${word#*=}
        test ! -s %(dir)s/met || ${tell%%%%%%*} $(cat %(dir)s/met)
    esac
done
exit $(cat %(dir)s/code)
"""
CHANGED, UNCHANGED, NO_LOGIN = "61", "62", "255"
LONG = "x" * 200
TWO_KEYS = dict(A_TARGET, keys=[item("target_key", version=n, public="k" * 32)
                                for n in (1, 2)])
REACH = {k: v for k, v in PINNED.items() if k != "for_ca"}


def login(line, target, met, exits, *row, **answers):
    return (line, always(target_show=target, **answers), *row,
            dict(met=met, code=exits))


LOGINS = [
    login("target authorize ml/host", A_TARGET, HOST_KEY, CHANGED, 0,
          ["now lets the key in"], []),
    login("target authorize ml/host", A_TARGET, "", UNCHANGED, INTERNAL, [],
          ["ssh did not tell which host key it has met, so none is pinned"]),
    login("target authorize ml/host", A_TARGET, HOST_KEY, UNCHANGED,
          CONFLICT, [], ["it was changed meanwhile"], target_pin="CONFLICT"),
    login("target authorize ml/host", A_TARGET, "", NO_LOGIN, UNREACHABLE,
          [], ["could not log in to h: nothing was changed there\n"]),
    login("target authorize ml/host", A_TARGET, HOST_KEY, NO_LOGIN,
          UNREACHABLE, [], ["If it says 'Host key verification failed'"]),
    login("target authorize ml/host", A_TARGET, HOST_KEY, "3", INTERNAL, [],
          ["(exit status 3); they are as they were"]),
    login("target authorize ml/host", PINNED, OTHER_KEY, CHANGED, DENIED, [],
          ["which is pinned: somebody else may have answered"]),
    login("target authorize ml/host", dict(PINNED, pins=PINNED["pins"] * 2),
          OTHER_KEY, CHANGED, DENIED, [], [" or another, which is pinned"]),
    login("target authorize ml/host --host-key nokey", A_TARGET, "", "0",
          USAGE, [], ["nokey"]),
    login("target authorize ml/host --agent " + LONG, A_TARGET, "", "0",
          USAGE, [], ["the path of the agent's socket"]),
    login("target authorize ml/host", dict(A_TARGET, host="-h"), "", "0",
          INVALID, [], ["not such that ssh can be given them"]),
    login("target rotate ml/host --authorize", A_TARGET, "", "0", DENIED, [],
          ["target rotate ml/host"], target_rotate="DENIED"),
    login("target rotate ml/host --authorize", TWO_KEYS, HOST_KEY, CHANGED,
          UNREACHABLE, [], ["does not let version 2 of the key in",
                            "version 1 is as it was"]),
    login("target known-hosts ml/host", dict(PINNED, host="h h"), "", "0",
          BAD_REPLY, [], [NO_ANSWER]),
    login("ssh --agent %s ml/host" % LONG, PINNED, "", "0", USAGE, [],
          ["the path of the agent's socket"]),
    login("ssh ml/host", PINNED, "", "0", DENIED, [], ["ssh ml/host"],
          target_reach=REACH, ca_user="DENIED"),
    login("ssh ml/host -- true", PINNED, "", "0", UNREACHABLE, [],
          ["ssh ml/host: "], target_reach=REACH, ca_user="INVALID"),
    login("ssh ml/host", PINNED, "", "0", INVALID, [],
          ["not such that ssh can be given them"],
          target_reach=dict(REACH, host="-h"), ca_user="INVALID"),
]


def tried(stage, rows, files=None):
    bad = []
    for line, answer, code, out, err, *said in rows:
        lacks = said.pop() if len(said) > 1 else []
        for name, text in said[0].items() if said else ():
            harness.write_file(os.path.join(files, name), text if isinstance(
                text, str) else json.dumps(text), 0o644)
        words = [NAMES.get(w, w) for w in line.split(" ")]
        if words[0] == "resync-keys" and said and "--sources" not in words:
            words += ["--sources", files]
        got = stage.run(words, b"v", liar(answer))
        said = got.out.decode()
        missing = [w for w in out if w not in said] + \
            [w for w in err if w not in got.err] + \
            ["no " + w for w in lacks if w in said + got.err]
        if got.code != code or missing:
            bad.append("cofre %s: exit code %d, not %d; without %r: %r, %r" %
                       (line, got.code, code, missing, said, got.err))
    check(not bad, "\n".join(bad))


# What 51 does not rehearse: nobody answers it there in time.  The answers are
# made anew for each run.
UNTIMELY = [
    ("watch ml/other --once", lambda: in_turn(secret_watch=[
        {}, dict(name="other", version=3)])),
    ("watch ml/other --once --json", lambda: in_turn(secret_watch=[
        {}, dict(name="other", version=3)])),
    ("target authorize ml/host", lambda: always(target_show=A_TARGET)),
    ("target authorize ml/host --login root --own-key",
     lambda: always(target_show=PINNED)),
]

def fails(take, got, kind):
    """What it may not do when something fails, or does half of it."""
    if (got.code, got.out) == take:
        return None
    if got.code <= 0 or kind in (rehearsal.INTERRUPT, rehearsal.HALVE):
        return "exit code %d, %r" % (got.code, got.out)
    if "cofre: " not in got.err or "cofre: \n" in got.err:
        return "says %r" % got.err
    return None if take[1].startswith(got.out) else "prints %r" % got.out


def rehearsed(stage):
    bad, count = [], 0
    for line, answers in UNTIMELY:
        def run(words=line.split(" "), answers=answers, **how):
            return stage.run(words, b"", liar(answers()), **how)

        plain = run()
        for kind in (rehearsal.ALLOCATION, rehearsal.CALL,
                     rehearsal.INTERRUPT, rehearsal.HALVE):
            for nth in range(1, len(plain.met[kind]) + 1):
                text = fails((plain.code, plain.out),
                             run(kind=kind, nth=nth), kind)
                count += 1
                if text is not None:
                    bad.append("cofre %s, %d of kind %d: %s" % (
                        line, nth, kind, text))
        if line.startswith("watch"):
            got = run(out="/dev/full")
            if got.code <= 0 or "standard output" not in got.err:
                bad.append("cofre %s, full: %r" % (line, got.err))
    check(not bad, "\n".join(bad))
    show("%d failures of what waits or logs in" % count)


def test(t):
    harness.need_root()
    if not faults.can_be(t):
        return
    programs = os.path.join(t.dir, "bin")
    os.mkdir(programs, 0o755)
    harness.write_file(os.path.join(programs, "ssh"),
                       SSH % dict(dir=programs), 0o755)
    os.environ[VARIABLE] = LEAKED
    os.environ["PATH"] = programs + ":" + os.environ["PATH"]
    stage = rehearsal.CommandStage(t)
    begin = time.monotonic()
    broken = [(line + how, always(**{
        op: {k: extra if v == BAD_LIST else v for k, v in values.items()}
        for op, values in answers.items()}), BAD_REPLY, [], [NO_ANSWER])
        for line, answers in BROKEN for how in ("", " --json")
        for extra in (BAD_LIST, EXTRA)]
    harness.write_file(os.path.join(t.dir, "key"), HOST_KEY + "\n", 0o644)
    harness.write_file(os.path.join(t.dir, "other"), OTHER_KEY + "\n", 0o644)
    NAMES.update(KEYLINE=os.path.join(t.dir, "key"),
                 OTHERLINE=os.path.join(t.dir, "other"))
    rows = list(runs()) + TOLD + broken + UNLOCKED + GRANTS
    tried(stage, rows)
    sources = os.path.join(t.dir, "sources.d")
    os.mkdir(sources, 0o755)
    harness.write_file(os.path.join(sources, "up"),
                       SOURCE % dict(dir=sources), 0o755)
    harness.write_file(os.path.join(sources, "rules"), "up * at=x\n", 0o644)
    tried(stage, RESYNCS, sources)
    tried(stage, LOGINS, programs)
    for name, text in dict(met=HOST_KEY, code=UNCHANGED).items():
        harness.write_file(os.path.join(programs, name), text, 0o644)
    rehearsed(stage)
    rows += RESYNCS + LOGINS
    show("%d answers in %.1f s" % (len(rows), time.monotonic() - begin))


harness.main(test)
