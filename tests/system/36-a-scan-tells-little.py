#!/usr/bin/env python3
"""run.scan tells whether a text holds a secret.  It holds nobody up, however
many secrets there are; and who may use a secret and not read it can't find
it out by trying.
"""
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status

OWNER, OTHER = 50101, 50102


def ask(c, workspace, texts, after=0):
    return c.call("run.scan", workspace=workspace, after=after,
                  texts=[dict(text=x) for x in texts])


def many_secrets(t, d, root):
    """However many secrets there are, a reply comes after a few of them."""
    status(root.call("workspace.create", workspace="many"), "OK")
    status(root.call("grant.add", workspace="many", principal=wire.USER,
                     id=OWNER, role=wire.CONTRIBUTOR), "OK")
    c = t.agent(OWNER).connect(d.socket)
    for n in range(600):
        status(c.put("many", "n%d" % n, dict(value=b"value %d" % n)), "OK")
    for n in range(24):
        status(c.put("many", "long%d" % n, dict(value=b"." * 65530 +
                                                b"%d" % n)), "OK")
    # Their numbers follow each other.
    ends = [0]
    while len(ends) == 1 or ends[-1] != 0:
        ends.append(status(ask(c, "many", [b"x"], ends[-1]),
                           "OK").fields["next"])
    # 256 of them, or 1 MiB, whichever is less; and less while others wait.
    each = [b - a for a, b in zip(ends, ends[1:-1])]
    check(all(0 < n <= 256 for n in each), "secrets of a reply: %s" % each)
    check(sum(each) <= 624, "there are not so many: %s" % each)
    check(4 <= len(ends) - 1 <= 1 + 624 // 16, "%d replies" % (len(ends) - 1))
    show("624 secrets are compared in %d replies" % (len(ends) - 1))
    # The largest value is compared whole, and no more at once than that.
    whole = b"." * 65530 + b"23"
    same(status(ask(c, "many", [whole, b"x" * (65536 - len(whole))], 623),
                "OK").fields["found"], 1, "the largest text")
    for texts in ([whole, b"x" * (65537 - len(whole))], [whole, b"x" * 60000],
                  [b"x" * 65] * 1024):
        status(ask(c, "many", texts), "TOO_LARGE")


def guessing(t, d, root):
    """Who may use a secret and not read it: no guessing by the million."""
    value = b"a secret that is used"
    status(root.call("workspace.create", workspace="used"), "OK")
    for name, v in (("long", value), ("short", b"7chars!")):
        status(root.put("used", name, dict(value=v)), "OK")
    status(root.call("role.put", name="User", if_version=wire.ANY_VERSION,
                     **wire.role(actions=["workspaces/runs/*"],
                                 data=["workspaces/secrets/use/"
                                               "action"])), "OK")
    status(root.call("grant.add", workspace="used", principal=wire.USER,
                     id=OTHER, role="User"), "OK")
    status(root.call("grant.add", workspace="used", principal=wire.USER,
                     id=OWNER, role=wire.CONTRIBUTOR), "OK")
    c = t.agent(OTHER).connect(d.socket)
    reader = t.agent(OWNER).connect(d.socket)

    def of(who, *texts):
        return ask(who, "used", texts)
    same(status(of(c, b"7chars!"), "OK").fields["found"], 0, "a short one")
    same(status(of(reader, b"7chars!"), "OK").fields["found"], 1,
         "a short one, for who may read it")
    # What a scheduler does: 300 starts, with 8 KiB each.
    for _ in range(300):
        same(status(of(c, b"." * 8192), "OK").fields["found"], 0, "nothing")
    same(status(of(c, b"." + value), "OK").fields["found"], 1, "a match")
    count = 0
    while of(c, b"." * 65000).status_name == "OK":
        count += 1
        check(count < 1000, "nobody stops him")
    # Also when it is there: a refusal tells nothing.  Some of the budget is
    # back by now, on a machine that is busy.
    count = 0
    while of(c, b"." * 60000 + value).status_name == "OK":
        count += 1
        check(count < 100, "nobody stops one who guesses right")
    for _ in range(100):
        same(status(of(reader, b"." * 65000 + value),
                    "OK").fields["found"], 1, "for who may read it")
    show("guesses at what one may not read are limited")


def test(t):
    d = t.daemon()
    root = d.init()
    many_secrets(t, d, root)
    guessing(t, d, root)
    d.stop()


harness.main(test)
