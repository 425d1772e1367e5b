#!/usr/bin/env python3
"""A hello is a request like any other: of many in one write each one is in
the log, the first as the record of the connection."""
import cofre_wire as wire
import harness
from expect import same, show

HELLOS = 20
CONNECTION, REQUEST = 2, 3


def test(t):
    harness.need_root()
    d = t.daemon()
    c = d.init()
    start = c.log_end()
    h = d.connect(greet=False)
    h.send_raw(b"".join(wire.hello(i) for i in range(1, HELLOS + 1)))
    for _ in range(HELLOS):
        same(h.receive().status, 0, "a hello")
    h.close()
    c.barrier()
    code = wire.OPERATIONS["hello"][0]
    seen = [e["type"] for e in c.events(start=start) if e["op"] == code]
    same(seen.count(CONNECTION) + seen.count(REQUEST), HELLOS,
         "records of hellos")
    show("%d hellos on one connection: %d records" % (HELLOS, len(seen)))
    d.stop()


harness.main(test, limit=60)
