"""A workload of every verb that changes something, recorded as the daemon
writes it; and the driver that cuts its power."""
import hashlib
import os
import struct
import shutil
import subprocess
import time

import cofre_wire as wire
import harness
import sshagent
from expect import check, same

TRACE_SIZE = 256 << 20
EVENT = struct.Struct("=IiQQ")
PATCH = 13
LIVE, DELETED, PURGED = 1, 2, 3
CELL = 128
USER = 45001


def program():
    return harness.program("POWERCUT", os.path.join(
        os.environ.get("BUILD", "."), "tests/powercut/powercut"))


class Recording:
    """t.dir has the trace and the plan of a daemon that has been asked for
    all of that, with the log buffered or strict."""

    def __init__(self, t, log, rounds):
        self.t, self.log = t, log
        self.key = t.keyfile(name="key-" + log)
        self.trace = os.path.join(t.dir, "trace-" + log)
        self.plan = os.path.join(t.dir, "plan-" + log)
        with open(self.trace, "wb") as f:
            f.truncate(TRACE_SIZE)
        self.lines, self.number = [], 1000
        self.secrets, self.workspaces = {}, {}
        self.flags = {}
        shim = os.path.abspath(os.path.join(
            os.environ.get("BUILD", "."), "tests/powercut/.libs/recorder.so"))
        check(os.access(shim, os.R_OK), "no recorder: " + shim)
        self.d = harness.Daemon(
            t, dict(log_segment="64K", log=log), name="r-" + log,
            keyfile=self.key,
            environment=dict(LD_PRELOAD=shim, POWERCUT_TRACE=self.trace))
        self.d.start()
        self.c = self.d.connect()
        self.call("vault.init", type=wire.KEYFILE,
                  key=harness.slot_key(harness.read_file(self.key)))
        self.furnish()
        for i in range(rounds):
            self.round(i)
            self.restart(i)
        self.d.stop()
        harness.write_file(self.plan, "".join(self.lines))
        used, = struct.unpack("=Q", harness.read_file(self.trace)[:8])
        os.truncate(self.trace, used + 8)

    # One request, or some in one turn; and what they make of secrets.

    def line(self, number, op, code):
        admin = op in ADMIN
        self.lines.append("R %d %d %d %d\n" % (
            number, wire.OPERATIONS[op][0], code, admin))

    def many(self, calls):
        data, numbers = [], []
        for op, values in calls:
            self.number += 1
            numbers.append(self.number)
            data.append(wire.request(op, self.number, **values))
        self.c.send_raw(b"".join(data))
        replies = [self.c.receive() for _ in calls]
        for number, (op, values), r in zip(numbers, calls, replies):
            check(r.ok and r.id == number, "%s %r: %r" % (op, values, r))
            self.line(number, op, r.status)
            self.effect(number, op, values, r)
        return replies

    def call(self, op, **values):
        return self.many([(op, values)])[0]

    def effect(self, number, op, v, r):
        ws = v.get("workspace")
        if op == "workspace.create":
            self.workspaces[ws] = 1 + len(self.workspaces)
        if op == "workspace.purge":
            for (w, name), _ in list(self.secrets.items()):
                if w == ws:
                    self.secret(number, w, name, (0, 0, b""))
        if not op.startswith("secret."):
            return
        version, _, value = self.secrets.get((ws, v["name"]), (0, 0, b""))
        if op == "secret.put":
            now = (r.fields["version"], LIVE, v["fields"][0]["value"])
        elif op == "secret.delete":
            now = (version, DELETED, value)
        elif op == "secret.undelete":
            now = (version, LIVE, value)
        elif op == "secret.purge":
            now = (version, PURGED, None)
        else:
            return
        self.secret(number, ws, v["name"], now)

    def secret(self, number, ws, name, now):
        self.secrets[ws, name] = now
        version, state, value = now
        hash = bytes(16) if value is None else hashlib.blake2b(
            value, digest_size=16).digest()
        self.lines.append("S %d %d %s %d %d %s\n" % (
            number, self.workspaces[ws], name, version, state, hash.hex()))

    def put(self, ws, name, value):
        return ("secret.put", dict(workspace=ws, name=name,
                                   fields=wire.fields(value=value)))

    # What is done.

    def furnish(self):
        self.call("workspace.create", workspace="lab")
        self.many([self.put("lab", "n%d" % i, b"%d" % i * (i * 31 + 1))
                   for i in range(6)])
        self.call("target.create", workspace="lab", name="cluster",
                  host="c.example", port=22, user="train")

    def round(self, i):
        ws, n, role = "w%d" % i, "n%d" % (i % 6), "r%d" % i
        grant = dict(workspace="lab", principal=wire.USER, id=USER + i,
                     role="reader")
        binding = dict(workspace="lab", uid=USER + i, gid=wire.NO_ID)
        self.call("workspace.create", workspace=ws)
        self.many([self.put(ws, "a%d" % k, b"a%d" % k * 20 * (i + 1))
                   for k in range(3)] + [self.put("lab", n, b"v%d" % i * 9)])
        self.many([("secret.delete", dict(workspace=ws, name="a0")),
                   ("secret.get", dict(workspace="lab", name=n))])
        self.call("secret.undelete", workspace=ws, name="a0")
        self.call(*self.put(ws, "a1", b"L" * (2000 + 3000 * i))[:1],
                  **self.put(ws, "a1", b"L" * (2000 + 3000 * i))[1])
        self.call("secret.delete", workspace=ws, name="a2")
        self.call("secret.purge", workspace=ws, name="a2")
        self.call("secret.stale", workspace="lab", name=n, version=self.
                  secrets["lab", n][0])
        self.call("secret.source", workspace="lab", name=n, source="file",
                  arguments=[dict(name="path", value="/x")])
        self.call("role.put", name=role, **wire.role(
            ["*/read"], scopes=[("lab", "")]))
        self.call("grant.add", **grant)
        self.call("identity.bind", **binding)
        self.call("identity.repair", workspace="lab", dry_run=0)
        self.call("identity.revoke", workspace="lab")
        self.call("identity.unbind", **binding)
        self.call("grant.remove", **grant)
        self.call("role.delete", name=role)
        slot = self.call("slot.add", type=wire.KEYFILE,
                         key=b"%02d" % i * 16).fields["slot"]
        self.call("slot.remove", slot=slot)
        self.targets(i)
        self.runs(i, n)
        self.resync(n, i)
        self.reads(60)
        self.call("workspace.delete", workspace=ws)
        if i % 2 == 0:
            self.call("workspace.undelete", workspace=ws)
        else:
            self.call("workspace.purge", workspace=ws)

    def targets(self, i):
        at = dict(workspace="lab", name="t%d" % i)
        self.call("target.create", host="t.example", port=22, user="u", **at)
        version = self.call("target.rotate", **at).fields["version"]
        self.call("target.settle", version=version, **at)
        host = sshagent.Key(bytes([i + 1])).blob
        self.call("target.pin", pins=[dict(key=host)], **at)
        self.call("target.set", host="h%d.example" % i, port=2222, user="v",
                  **at)
        self.call("ca.host", key=host,
                  hosts=[dict(host="h%d.example" % i)], **at)
        serial = self.call("ca.user", **at).fields["serial"]
        self.call("ca.revoke", workspace="lab", serial=serial,
                  until=(int(time.time()) + 3600) * 1000000)
        if i % 2:
            self.call("target.delete", **at)

    def runs(self, i, n):
        run = self.call("run.start", workspace="lab",
                        target=wire.TOKEN_ONLY, token=1, uid=0,
                        secrets=[dict(name=n)], lifetime=3600,
                        label="run %d" % i).fields["run"]
        self.call("run.renew", workspace="lab", run=run, lifetime=7200)
        if i % 2 == 0:
            self.call("run.end", workspace="lab", run=run)

    def resync(self, n, i):
        self.call("resync.begin", workspace="lab")
        version = self.secrets["lab", n][0]
        value = b"resynced %d" % i
        r = self.call("resync.stage", workspace="lab", name=n,
                      version=version, outcome=wire.VALUE,
                      origin=self.c.origins("lab")[n],
                      serial=i + 1, fields=wire.fields(value=value))
        same(r.fields["result"], wire.UPDATED, "a staged value")
        self.call("resync.commit", workspace="lab", grace=0)
        self.secret(self.number, "lab", n, (version + 1, LIVE, value))

    def reads(self, count):
        for _ in range(count // 5):
            self.many([("secret.get", dict(workspace="lab",
                                           name="n1"))] * 5)

    def restart(self, i):
        """It ends in good order, or is killed; and its log has a torn end,
        that the next one has to put aside."""
        self.c.close()
        if i % 2:
            self.d.stop()
        else:
            self.d.kill()
        if i % 3 == 0:
            self.tear()
        self.d.start()
        self.c = self.d.connect()

    def tear(self):
        """Put half a record behind the end of the log."""
        log = os.path.join(self.d.state_dir, "activity")
        name = max(n for n in os.listdir(log) if n.endswith(".log"))
        path = os.path.join(log, name)
        data = harness.read_file(path)
        end = (len(data.rstrip(b"\0")) + CELL - 1) // CELL * CELL
        check(end + CELL <= len(data), "no room behind the log's end")
        at, torn = end + 64, b"torn" * 16
        with open(path, "r+b") as f:
            f.seek(at)
            f.write(torn)
        bytes_ = ("activity/" + name).encode() + b"\0" + torn
        with open(self.trace, "r+b") as f:
            used, = struct.unpack("=Q", f.read(8))
            f.seek(8 + used)
            f.write(EVENT.pack(PATCH, -1, at, len(bytes_)))
            f.write(bytes_ + bytes(-len(bytes_) % 8))
            used += EVENT.size + (len(bytes_) + 7) // 8 * 8
            f.seek(0)
            f.write(struct.pack("=Q", used))

    # The driver.

    def cut(self, images, seed, jobs, directory="/dev/shm"):
        """Run it, so many at a time: what they print, and whether all is
        well."""
        if not os.access(directory, os.W_OK):
            directory = self.t.dir
        running = []
        for job in range(jobs):
            work = os.path.join(directory, "cofre-powercut.%d.%s.%d" % (
                os.getpid(), self.log, job))
            os.mkdir(work, 0o700)
            self.t.undo.append(lambda work=work: shutil.rmtree(
                work, ignore_errors=True))
            running.append(subprocess.Popen(
                [program(), work, self.key, str(images), str(seed),
                 "%d/%d" % (job, jobs), self.trace, self.plan, self.log],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        self.t.undo.append(lambda: [p.kill() for p in running])
        texts = [p.communicate()[0].decode(errors="replace")
                 for p in running]
        return texts, all(p.returncode == 0 for p in running)


ADMIN = {
    "vault.init", "slot.add", "slot.remove", "workspace.create",
    "workspace.delete", "workspace.undelete", "workspace.purge",
    "identity.bind", "identity.unbind", "identity.revoke", "identity.repair",
    "grant.add", "grant.remove", "role.put", "role.delete", "secret.purge",
    "run.start", "run.end", "run.renew", "resync.commit", "target.create",
    "target.rotate", "target.settle", "target.pin", "target.delete",
    "target.set", "ca.revoke", "ca.host"}
