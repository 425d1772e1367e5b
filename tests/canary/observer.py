"""What `make canary` has the system tests do besides: tell which secrets they
use, so that these can be looked for.

A value that a test puts with the protocol, and which is too plain to be told
from other text, gets a canary before it on its way to the daemon, and loses
it on its way back: COFRE_TEST_CANARY_ADD.  What is told is appended to the
file COFRE_TEST_CANARY, by every process of the test."""
import hashlib
import os
import re
import string

MARK = b"Zq9"
PATTERN = re.compile(MARK + rb"[A-Za-z0-9]{21}")
LETTERS = (string.ascii_letters + string.digits).encode()
# Of values that are longer the length matters to the test.
ADD_MAX = 2048
MOST = 300      # values of one process; more of them show nothing new
WITH_FIELDS = ("secret.put", "resync.stage")
WITH_KEYS = ("vault.init", "vault.unlock", "slot.add")
IN_CHAINS = re.compile(
    rb"(?:AccountKey|Password|Pwd|SharedAccessSignature|password|sig)="
    rb"[\"']?([^;&\s\"']+)|://[^:/@\s]*:([^@\s]+)@", re.I)

told = set()


def is_plain(value):
    """Could these bytes be anywhere by chance?"""
    return len(value) < 12 or len(set(value)) < 8


def tell(name, value, parts=False):
    """parts: any 8 bytes of it give it away, if it is random at all."""
    if isinstance(value, str):
        value = value.encode()
    if is_plain(value) or value in told or \
            (name in ("value", "canary") and len(told) >= MOST):
        return
    told.add(value)
    parts = parts and len(set(value)) * 3 >= min(len(value), 64) * 2
    line = "%s %s%s\n" % (name, value[:1024].hex(), " parts" if parts else "")
    fd = os.open(os.environ["COFRE_TEST_CANARY"],
                 os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        os.write(fd, line.encode())
    finally:
        os.close(fd)


def canary(value):
    """The same for the same value, whichever process asks."""
    digest = hashlib.blake2b(
        value, key=os.environ["COFRE_TEST_CANARY_SEED"].encode()).digest()
    return MARK + bytes(LETTERS[b % len(LETTERS)] for b in digest[:21])


def hidden(value):
    """The value as it goes to the daemon."""
    if isinstance(value, str):
        value = value.encode()
    if "COFRE_TEST_CANARY_ADD" in os.environ and is_plain(value) and \
            0 < len(value) <= ADD_MAX:
        mark = canary(value)
        tell("canary", mark, parts=True)
        return mark + value
    tell("value", value)
    return value


def shown(value):
    """And as the test has put it."""
    if PATTERN.match(value) and canary(value[24:]) == value[:24]:
        return value[24:]
    return value


def tell_input(arguments, data):
    """What the command is given on its standard input."""
    if isinstance(data, str):
        data = data.encode()
    if arguments[0] in ("put", "slot", "unlock", "init"):
        parts = [a or b for a, b in IN_CHAINS.findall(data)]
        for part in parts or [data.rstrip(b"\n")]:
            tell("stdin", part)


def attach(harness):
    wire = harness.wire
    body_of, decode = wire.body_of, wire.decode
    run_cofre, keyfile = harness.Test.run_cofre, harness.Test.keyfile

    def body_with_canaries(op, **values):
        if op in WITH_FIELDS and isinstance(values.get("fields"), list):
            values["fields"] = [
                dict(f, value=hidden(f["value"]))
                if f.get("flags") == wire.SECRET else f
                for f in values["fields"]]
        if op in WITH_KEYS and values.get("key"):
            tell("key", values["key"], parts=True)
        if op == "run.attach" and isinstance(values.get("token"), bytes):
            tell("token", values["token"][8:51], parts=True)
        return body_of(op, **values)

    def decode_without_canaries(text, data):
        values = decode(text, data)
        for f in values.get("fields", ()) if isinstance(values, dict) else ():
            if isinstance(f, dict) and f.get("value"):
                f["value"] = shown(f["value"])
                if f.get("flags") == wire.SECRET:
                    tell("value", f["value"])
        if isinstance(values, dict) and \
                isinstance(values.get("token"), bytes):
            tell("token", values["token"][8:51], parts=True)
        return values

    def run_and_tell(self, daemon, *arguments, stdin=b"", **more):
        tell_input(arguments, stdin)
        out = run_cofre(self, daemon, *arguments, stdin=stdin, **more)
        # A value alone, which a source has brought, or a file.
        if arguments[0] == "get" and out and len(out.split()) == 1 and \
                b"=" not in out.rstrip(b"=\n") and b"{" not in out:
            tell("value", PATTERN.sub(b"", out).rstrip(b"\n"))
        return PATTERN.sub(b"", out)

    def keyfile_told(self, *arguments, **more):
        path = keyfile(self, *arguments, **more)
        content = harness.read_file(path)
        tell("keyfile", content, parts=True)
        tell("slot-key", harness.slot_key(content), parts=True)
        return path

    wire.body_of, wire.decode = body_with_canaries, decode_without_canaries
    harness.Test.run_cofre, harness.Test.keyfile = run_and_tell, keyfile_told
