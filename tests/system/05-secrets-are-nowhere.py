#!/usr/bin/env python3
"""After everything that is done with a vault, its secrets are nowhere: not
in the state directory or the log (nor are names), not in the environment or
the arguments of any process, not in what the daemon says, not in its core or
in any memory of it that root can read.  The keys are not there either, where
the kernel has memfd_secret; and after lock they are nowhere at all.

COFRE_TEST_SEED makes the same canaries again."""
import base64
import os
import shutil
import subprocess
import sys
import threading
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
import sshagent
from expect import check, same, show, status
from search import (Needles, canary, read_remotely, regions, registers,
                    search_memory, search_processes, search_tree, seeds_of,
                    vault_keys, words)

AGENT, OWNER, READER, STRANGER = 45001, 45002, 45003, 45004
CHAINS = "DefaultEndpointsProtocol=https;AccountName=%s;AccountKey=%s;" \
    "EndpointSuffix=core.windows.net"


class Canaries:
    """Texts that could come from nowhere else."""

    def __init__(self, r):
        self.values = {n: canary(r) for n in (
            "generic", "registry", "sql", "field", "passphrase", "second",
            "rejected", "purged")}
        # An account key is base64 itself: of 64 bytes.
        self.values["storage"] = base64.b64encode(r.randbytes(64)).decode()
        self.names = dict(workspace="ws" + canary(r).lower(),
                          secret="s" + canary(r), purged="p" + canary(r),
                          other="no" + canary(r).lower())
        self.metadata = {n: canary(r) for n in ("account", "server", "user",
                                                "note")}

    def secrets(self):
        return Needles(self.values)

    def all(self):
        """Values, names and metadata: all of it is sealed on disk."""
        wanted = dict(self.values)
        for kind in (self.names, self.metadata):
            wanted.update(("%s of %s" % (k, "names" if kind is self.names
                                         else "metadata"), v)
                          for k, v in kind.items())
        return Needles(wanted)


class Watch(threading.Thread):
    """Looks at every process's environ and cmdline, again and again."""

    def __init__(self, needles):
        super().__init__(daemon=True)
        self.needles, self.rounds, self.found = needles, 0, []
        self.over = threading.Event()

    def run(self):
        while not self.over.is_set():
            self.found += search_processes(self.needles)
            self.rounds += 1

    def finish(self):
        self.over.set()
        self.join()
        same(self.found, [], "in environ or cmdline")
        return self.rounds


# --- everything that can be done --------------------------------------------

def use_command(t, d, c):
    """The command, as different people, in good and in bad requests."""
    v, n, m = c.values, c.names, c.metadata
    ws = n["workspace"]

    def cofre(*arguments, stdin=b"", uid=OWNER, code=0):
        if isinstance(stdin, str):
            stdin = stdin.encode()
        return t.run_cofre(d, *arguments, uid=uid, stdin=stdin, code=code)

    cofre("slot", "add", "--passphrase", uid=0, stdin=v["passphrase"] + "\n")
    cofre("workspace", "create", ws, uid=0)
    cofre("grant", ws, "user:%d" % OWNER, "owner", uid=0)
    cofre("grant", ws, "user:%d" % READER, "reader", uid=0)
    cofre("identity", "bind", ws, "--uid", str(AGENT), uid=0)
    cofre("put", ws + "/" + n["secret"], "--kind", "generic",
          stdin=v["generic"])
    cofre("put", ws + "/" + n["secret"], "--kind", "generic",
          stdin=v["second"])
    cofre("put", ws + "/" + n["secret"] + "-storage", "--kind", "storage",
          stdin=CHAINS % (m["account"].lower()[:24], v["storage"]))
    cofre("put", ws + "/images", "--kind", "registry", "--server",
          m["server"] + ".example", "--username", m["user"],
          stdin=v["registry"])
    cofre("put", ws + "/sql", "--kind", "datastore", "--type", "azure-sql",
          stdin="Server=tcp:db.example,1433;Database=d;User ID=u;"
          "Password=%s;Encrypt=True" % v["sql"])
    cofre("put", ws + "/fields", "--kind", "generic", "--field",
          "token=-", "--meta", "note=" + m["note"], stdin=v["field"])
    cofre("put", ws + "/" + n["purged"], "--kind", "generic",
          stdin=v["purged"])
    same(cofre("get", ws + "/" + n["secret"], uid=AGENT),
         v["second"].encode(), "the secret")
    same(cofre("get", ws + "/" + n["secret"], "--version", "1"),
         v["generic"].encode(), "its first version")
    for format in ("--json", "--format=connection-string"):
        check(v["storage"].encode() in cofre(
            "get", ws + "/" + n["secret"] + "-storage", format, uid=AGENT),
            "the account key in " + format)
    cofre("get", ws + "/sql", "--field", "password", uid=AGENT)
    cofre("delete", ws + "/" + n["purged"])
    cofre("purge", ws + "/" + n["purged"], "--yes=%s/%s" % (ws, n["purged"]))
    for verb in ("list", "show", "versions"):
        what = ws if verb == "list" else ws + "/" + n["secret"]
        for uid in (OWNER, READER):
            out = cofre(verb, what, "--json", uid=uid)
            same(c.secrets().find(out), [], "what %s prints" % verb)
    # What is wrong must not be repeated to whoever reads the log.
    cofre("put", ws + "/bad", "--kind", "storage", stdin=v["rejected"],
          code=9)
    cofre("put", ws + "/bad", "--kind", "datastore", "--type", "azure-sql",
          stdin="Password=%s;;=;" % v["rejected"], code=9)
    cofre("get", ws + "/" + n["secret"], uid=READER, code=5)
    cofre("get", n["other"] + "/" + n["secret"], uid=STRANGER, code=5)
    cofre("put", ws + "/" + n["secret"], "--kind", "generic",
          stdin=v["rejected"], uid=STRANGER, code=5)
    cofre("unlock", "--passphrase", "--slot", "2", uid=0,
          stdin=v["passphrase"] + "\n", code=8)
    for out in (cofre("activity", "--json", uid=0), cofre("activity", uid=0),
                cofre("status", uid=STRANGER)):
        same(c.secrets().find(out), [], "what activity prints")


def wait_and_look(t, d, c, needles):
    """A put that waits for its secret, and a get that can't get rid of it."""
    line = [t.cofre(), "--socket", d.socket]
    what = c.names["workspace"] + "/" + c.names["secret"]
    who = dict(user=OWNER, group=OWNER, extra_groups=[])
    put = subprocess.Popen(line + ["put", what, "--kind", "generic"],
                           stdin=subprocess.PIPE, **who)
    put.stdin.write(c.values["second"].encode())
    put.stdin.flush()
    same(search_processes(needles), [], "while put waits")
    put.stdin.close()
    same(put.wait(30), 0, "exit code of put")
    read, write = os.pipe()
    os.set_blocking(write, False)
    filled = 0
    try:
        while True:
            filled += os.write(write, bytes(4096))
    except BlockingIOError:
        pass
    os.set_blocking(write, True)
    served = d.connect()
    before = served.log_end()
    get = subprocess.Popen(line + ["get", what], stdout=write, **who)
    os.close(write)
    while not any(e["op"] == 49 and e["uid"] == OWNER
                  for e in served.events(start=before)):
        pass
    same(search_processes(needles), [], "while get waits")
    data = b""
    while len(data) < filled + len(c.values["second"]):
        data += os.read(read, 1 << 16)
    os.close(read)
    same(get.wait(30), 0, "exit code of get")
    same(data[filled:], c.values["second"].encode(), "what get wrote")


def use_wire(d, c):
    """The protocol, in ways that the command does not have."""
    k = d.connect()
    ws, n, v = c.names["workspace"], c.names["secret"], c.values
    status(k.call("grant.add", workspace=ws, principal=wire.USER, id=0,
                  role=wire.CONTRIBUTOR), "OK")
    many = [("secret.get", dict(workspace=ws, name=n))] * 200
    check(all(r.ok for r in k.pipeline(many)), "gets in one write")
    large = {"value": (v["generic"] * 3000)[:60000].encode()}
    for _ in range(3):
        status(k.put(ws, "large", large), "OK")
        status(k.get(ws, "large"), "OK")
    status(k.put(ws, "middle", {"value": large["value"][:400]}), "OK")
    for bad in (dict(fields=wire.fields(**{"0": v["rejected"]})),
                dict(fields=wire.fields(value=v["rejected"]), kind=9),
                dict(fields=wire.fields(value=v["rejected"]), if_version=9)):
        status(k.call("secret.put", workspace=ws, name=n, **bad),
               "CONFLICT" if "if_version" in bad else "INVALID")
    half = wire.request("secret.put", 1, workspace=ws, name="half",
                        fields=wire.fields(value=v["rejected"]))
    for cut in (len(half) - 1, len(half) - 5, 30):
        h = d.connect()
        h.send_raw(half[:cut])
        h.half_close()
        h.receive_all()
        h.close()
    status(k.call("target.create", workspace=ws, name="node",
                  host="node.example", port=22, user="train",
                  namespaces=[dict(namespace="git")]), "OK")
    status(k.call("target.rotate", workspace=ws, name="node"), "OK")
    status(k.call("secret.get", workspace=ws, name=v["rejected"] + "/"),
           "INVALID", "a value in the place of a name")
    stuck = d.connect()
    stuck.send_raw(b"".join(wire.request("secret.get", i, workspace=ws,
                                         name="large") for i in range(40)))
    k.barrier()
    stuck.close()
    k.barrier()


# --- looking ----------------------------------------------------------------

def core_of(t, d):
    """A core of the daemon with everything that gdb can read, or None."""
    path = os.path.join(t.dir, "core")
    if "COFRE_TEST_CANARY" in os.environ:
        show("skipped part: who watches looks into memory, gdb can't")
        return None
    if shutil.which("gdb") is None or t.has_sanitizer():
        show("skipped part: no gdb, or a sanitizer, whose cores are huge: "
             "/proc/PID/mem alone")
        return None
    done = subprocess.run(
        ["gdb", "-nx", "-batch", "-p", str(d.pid),
         "-ex", "set use-coredump-filter off",
         "-ex", "set dump-excluded-mappings on", "-ex", "gcore " + path],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=60)
    check(os.path.exists(path), "gdb made no core: %s" % done.stdout)
    data = harness.read_file(path)
    os.unlink(path)
    return data


def look_everywhere(t, d, c, what, keys=None):
    files, size, found = search_tree(c.all(), d.state_dir)
    same(found, [], what + ": in the state directory")
    same(c.all().find(d.stderr().encode()), [], what + ": in stderr")
    memory, found, _ = search_memory(c.secrets(), d.pid)
    same(found, [], what + ": in the daemon's memory")
    same(search_processes(c.secrets()), [], what + ": in /proc")
    core = core_of(t, d)
    if core is not None:
        same(c.secrets().find(core), [], what + ": in a core")
        check(b"cofred" in core, "the core holds nothing")
        if keys is not None:
            same(Needles(keys, words).find(core), [], what +
                 ": parts of keys in a core")
    show("%s: %d files of %d KiB, %d KiB of memory, a core of %d KiB: no "
         "secret" % (what, files, size >> 10, memory >> 10,
                     len(core or b"") >> 10))


def all_keys(t, d, keyfile):
    """All that opens something: {name: key}."""
    keys = vault_keys(t, d, keyfile)
    keys["slot"] = harness.slot_key(harness.read_file(keyfile))
    keys["keyfile"] = harness.read_file(keyfile)
    check("root" in keys and "data-0" in keys and "data-1" in keys and
          len(seeds_of(keys)) == 4, "the helper knows %s" % sorted(keys))
    return keys


def sign_a_file(d, workspace):
    """With an SSH key, by the agent."""
    agent = sshagent.Client(agent_of(d), workspace)
    (key, _), *_ = agent.keys()
    check(agent.signs(key, sshagent.sshsig("git")), "it does not sign")


def agent_of(d):
    return os.path.join(d.dir, "agent")


def things_to_do(c):
    """Requests that use keys and secrets, to look right behind each."""
    ws, n = c.names["workspace"], c.names["secret"]
    return {
        "status": ("status", {}),
        "get": ("secret.get", dict(workspace=ws, name=n)),
        "get a middle one": ("secret.get", dict(workspace=ws,
                                                name="middle")),
        "put": ("secret.put", dict(workspace=ws, name=n, fields=wire.fields(
            value=c.values["generic"]))),
        "list": ("secret.list", dict(workspace=ws)),
        "read the log": ("activity.read", dict(workspace=ws)),
        "ungrant": ("grant.remove", dict(workspace=ws, principal=wire.USER,
                                         id=READER, role=wire.READER)),
        "grant": ("grant.add", dict(workspace=ws, principal=wire.USER,
                                    id=READER, role=wire.READER)),
        "certify": ("ca.user", dict(workspace=ws, name="node")),
        "sign a file": (sign_a_file, dict(workspace=ws)),
        "get a large one": ("secret.get", dict(workspace=ws, name="large")),
    }


def keys_are_hidden(d, keys, c):
    """While the vault is open, and root looks: after this and that."""
    k = d.connect()
    if k.report()["keys in"] != "memfd_secret":
        show("skipped part: the kernel gives no memfd_secret, so root can "
             "read the keys of an open vault")
        return
    where = Needles(keys, words) + c.secrets()
    wrong = []
    # A sanitizer makes ten times as much memory.
    things = list(things_to_do(c).items())
    for what, (op, values) in things[-d.test.part(len(things)):]:
        if callable(op):
            op(d, **values)
        else:
            status(k.call(op, **values), "OK", op)
        size, found, refused = search_memory(where, d.pid)
        held = registers(d.pid)
        check(len(held) > 100, "no registers could be read")
        found += [(f, "registers") for f in where.find(held)]
        wrong += ["%s: %s" % (what, f) for f in found]
    same(wrong, [], "keys and secrets while the vault is open")
    check(any("secretmem" in name for _, _, name in refused),
          "no secret memory among %s" % refused)
    for start, _, name in refused:
        check(read_remotely(d.pid, start) != 0, "%s can be read" % name)
    show("open: nothing of %d keys, and no secret, in %d KiB that root can "
         "read, nor in registers, after whatever was done last" %
         (len(keys), size >> 10))


def keys_are_wiped(d, keys, c):
    """After lock: no key, and no name either."""
    status(d.connect().call("vault.lock"), "OK")
    d.connect().barrier()
    size, found, _ = search_memory(Needles(keys, words), d.pid)
    same(found, [], "keys in memory after lock")
    if c is not None:
        same(search_memory(c.all(), d.pid)[1], [], "names after lock")
    return size


def readable_daemon(t):
    """Keys in plain memory: found while open, so that the search is known
    to work, and gone after lock."""
    keyfile = t.keyfile(name="plain-key", uid=45900)
    d = t.daemon(dict(memory_lock="optional"), uid=45900, keyfile=keyfile,
                 prefix=["prlimit", "--memlock=0:0"])
    k = d.init(harness.slot_key(harness.read_file(keyfile)))
    status(k.call("workspace.create", workspace="w"), "OK")
    status(k.put("w", "n", dict(value=b"x")), "OK")
    kind = k.report()["keys in"].split(":")[0]
    check(kind == "unlocked" or (kind == "locked" and t.has_sanitizer()),
          "the memory of a daemon that may lock none is " + kind)
    keys = vault_keys(t, d, keyfile)
    keys = {n: v for n, v in keys.items() if n not in ("slot", "keyfile")}
    where = Needles(keys, words)
    seen = {what.split()[0] for what, _ in search_memory(where, d.pid)[1]}
    same(seen, set(keys), "keys that root finds in plain memory")
    size = keys_are_wiped(d, keys, None)
    show("in plain memory, to try the search itself: %d of %d keys found "
         "while open, none in %d KiB after lock" %
         (len(seen), len(keys), size >> 10))
    status(d.connect().call("vault.unlock", key=harness.slot_key(
        harness.read_file(keyfile))), "OK")
    seen = {what.split()[0] for what, _ in search_memory(where, d.pid)[1]}
    same(seen, set(keys), "keys in plain memory after another unlock")
    d.stop()


def swap_is_not_used(d):
    """Every region that may hold a secret is locked, or kept out of cores."""
    flags = {}
    with open("/proc/%d/smaps" % d.pid) as f:
        for line in f:
            if "-" in line.split(" ")[0]:
                start = int(line.split("-")[0], 16)
            elif line.startswith("VmFlags:"):
                flags[start] = line.split()[1:]
    for start, end, mode, name in regions(d.pid):
        if "secretmem" in name:
            check("lo" in flags[start], "the keys are not locked")
    locked = sum("lo" in f and "dd" in f for f in flags.values())
    check(locked >= 3, "%d locked regions outside cores" % locked)
    show("%d regions are locked, and left out of cores" % locked)


def test(t):
    harness.need_root()
    c = Canaries(harness.seed())
    secrets = c.secrets()
    keyfile = t.keyfile()
    d = harness.Daemon(t, keyfile=keyfile)
    d.configure(log="strict", agent_socket=agent_of(d))
    d.start()
    t.run_cofre(d, "init", "--keyfile", keyfile)
    watch = Watch(secrets)
    watch.start()
    use_command(t, d, c)
    wait_and_look(t, d, c, secrets)
    use_wire(d, c)
    show("environ and cmdline of every process were searched %d times "
         "meanwhile" % watch.finish())
    keys = all_keys(t, d, keyfile)
    look_everywhere(t, d, c, "open", keys)
    keys_are_hidden(d, keys, c)
    swap_is_not_used(d)
    keys_are_wiped(d, keys, c)
    look_everywhere(t, d, c, "locked", keys)
    # Opened at start by the keyfile: nothing of it is left.
    d.stop()
    d.start()
    same(d.connect().state(), wire.OPEN, "state after a start with a keyfile")
    keys_are_hidden(d, keys, c)
    d.stop()
    files, size, found = search_tree(c.all(), d.state_dir)
    same(found, [], "stopped: in the state directory")
    readable_daemon(t)


harness.main(test, limit=240)
