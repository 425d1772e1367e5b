#!/usr/bin/env python3
"""Changed key blobs: which of them are ssh-ed25519 keys is the same for cofre
and for ssh-keygen.  Of other keys cofre takes those that are written in their
one form; whether a point is on its curve, or a number too short, is left to
who uses them."""
import base64
import hashlib
import os
import shutil
import subprocess
import sys
sys.dont_write_bytecode = True

import harness
from expect import Skip, check, same, show

TYPES = (("ed25519", 256), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521),
         ("rsa", 2048))
RANDOM = int(os.environ.get("CASES", "20000"))
ED25519 = "ssh-ed25519"


def keys(directory):
    """{type: blob} of new keys."""
    found = {}
    for kind, bits in TYPES:
        path = os.path.join(directory, kind + str(bits))
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-b", str(bits), "-N",
                        "", "-f", path], check=True)
        with open(path + ".pub") as f:
            name, blob = f.read().split()[:2]
        found[name] = base64.b64decode(blob)
    return found


def each_byte(blob):
    """It is gone, has another value, or another one stands before it; it is
    the last one."""
    for i, was in enumerate(blob):
        before, behind = blob[:i], blob[i + 1:]
        yield before
        yield before + behind
        yield before + b"\0" + blob[i:]
        for value in {0, 1, 0x7f, 0x80, 0xff, was ^ 1, was ^ 0x80}:
            yield before + bytes([value]) + behind
    for more in (b"\0", b"\0\0\0\0", blob):
        yield blob + more


def anyhow(random, blob):
    """A few changes at random places."""
    data = bytearray(blob)
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(data) + 1)
        what = random.randrange(4)
        if what == 0:
            del data[at:at + random.randrange(1, 9)]
        elif what == 1:
            data[at:at] = random.randbytes(random.randrange(1, 9))
        elif what == 2:
            data[at:at + 1] = random.randbytes(1)
        else:
            data[at:at + 4] = random.randrange(1 << 10).to_bytes(4, "big")
    return bytes(data)


def cases(random, blobs):
    for name, blob in blobs.items():
        for word in blobs:
            yield word, blob
        for changed in each_byte(blob):
            yield name, changed
    for _ in range(RANDOM):
        name = random.choice(list(blobs))
        yield name, anyhow(random, blobs[name])


def readers(t, lines):
    """{number of the line: fingerprint}, as each of the two says."""
    path = harness.write_file(os.path.join(t.dir, "lines"), "".join(
        "%s %s %d\n" % (name, base64.b64encode(blob).decode(), i)
        for i, (name, blob) in enumerate(lines)))
    texts = harness.program("SSHTEXTS", "./tests/system/sshtexts")
    with open(path, "rb") as f:
        ours = subprocess.run([texts, "reads"], stdin=f, check=True,
                              stdout=subprocess.PIPE).stdout.decode()
    theirs = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True,
                            stdout=subprocess.PIPE).stdout.decode()
    return ({int(n): print_ for print_, n in
             (line.split() for line in ours.splitlines())},
            {int(n): print_ for _, print_, n, _ in
             (line.split() for line in theirs.splitlines())})


def test(t):
    if shutil.which("ssh-keygen") is None:
        raise Skip("ssh-keygen is not installed")
    lines = list(cases(harness.seed(), keys(t.dir)))
    ours, theirs = readers(t, lines)
    both = 0
    for i, (name, blob) in enumerate(lines):
        mine, other = ours.get(i), theirs.get(i)
        plain = "SHA256:" + base64.b64encode(
            hashlib.sha256(blob).digest()).decode().rstrip("=")
        if name == ED25519:
            same(mine, other, "%s %s" % (name, blob.hex()))
        if mine is not None:
            same(mine, plain, "the fingerprint of %s" % blob.hex())
        elif other is not None:
            # It is not that key's form: it has another one there.
            check(other != plain, "refused: %s %s" % (name, blob.hex()))
        both += mine is not None and mine == other
    check(both > 1000, "hardly any of them is a key: %d" % both)
    show("%d blobs: %d are keys here, %d there, %d of them the same" %
         (len(lines), len(ours), len(theirs), both))


harness.main(test)
