"""A daemon whose answers are made up:

    stage.run(words, stdin, liar(always(vault_report=dict(items=BAD_LIST))))
"""
import struct

import cofre_wire as wire
import rehearsal

HEADER = wire.HEADER
BAD_LIST = struct.pack(">II", 1, 3) + b"\xff" * 3     # its item is none


def made_up(row, **values):
    """What the row says, bytes as they are, and zeros for the rest."""
    empty = {"str": "", "bool": 0}
    out = b""
    for kind, name in wire.layout(row):
        value = values.get(name, empty.get(kind, [] if "*" in kind else 0))
        out += value if isinstance(value, bytes) else \
            wire.encode("%s %s" % (kind, name), {name: value})
    return out


def item(of, **values):
    return wire.decode(wire.ITEMS[of], made_up(wire.ITEMS[of], **values))


def liar(answer, patience=40):
    """Connections to a daemon that answers what is asked with the values of
    a reply, or its bytes, or a status, or not at all; one that is asked for
    ever goes away, which is no answer either."""
    left = iter(range(patience))

    def reply(frame):
        name = wire.CODE_NAME[rehearsal.operation(frame)]
        code, row, back = wire.OPERATIONS[name]
        got = dict(version=1)
        if name != "hello":
            got = answer(name, wire.decode(row, frame[HEADER:])) \
                if next(left, None) is not None else None
        if got is None:
            return None
        if isinstance(got, dict):
            got = made_up(back, **got)
        text = struct.pack(">I", wire.STATUS[got]) if isinstance(got, str) \
            else struct.pack(">I", 0) + got
        return wire.frame(code, text, struct.unpack(">I", frame[8:12])[0],
                          kind=wire.REPLY)
    return lambda: reply


def always(**answers):
    """Each operation's answer, "." as "_"; the others are allowed."""
    return lambda name, _: answers.get(name.replace(".", "_"), {})


def in_turn(**answers):
    """Each operation's answers, one after the other; the last one stays."""
    left = {name: list(all_of) for name, all_of in answers.items()}

    def answer(name, _):
        mine = left.get(name.replace(".", "_"), [{}])
        return mine.pop(0) if len(mine) > 1 else mine[0]
    return answer
