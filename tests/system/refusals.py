"""Every verb of the command, and why it is not done: nobody is there, who
asks may not, the daemon fails, or what it answers is no answer."""
import json
import os
import socket
import struct
import subprocess
import threading

import cofre_wire as wire
import harness
from expect import check, show

STRANGER = 48009
# Exit codes.
INTERNAL, USAGE, DENIED, NOT_FOUND, LOCKED, UNREACHABLE, BAD_REPLY = \
    1, 2, 5, 6, 7, 10, 10
# An answer, and with which code the command ends then.
LIES = [(struct.pack(">I", 0) + b"\xff" * 7, [BAD_REPLY]),
        (struct.pack(">I", 22), [INTERNAL])]

HOST_KEY = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"
            "JdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ")

ROLE = {"Name": "Mine", "IsCustom": True, "Description": "",
        "Actions": ["workspaces/read"], "NotActions": [], "DataActions": [],
        "NotDataActions": [], "AssignableScopes": ["/"]}

# A verb with its arguments, and the operation that it is about.  What is
# written in capitals is a name of the place below.
VERBS = [
    ("status", "status"), ("status --json", "status"),
    ("doctor", "vault.report"), ("doctor --json", "vault.report"),
    ("lock", "vault.lock"),
    ("slot list", "slot.list"), ("slot list --json", "slot.list"),
    ("slot add --keyfile NEW", "slot.add"), ("slot remove 7", "slot.remove"),
    ("workspace create new", "workspace.create"),
    ("workspace list", "workspace.list"),
    ("workspace list --deleted --json", "workspace.list"),
    ("workspace show ml", "workspace.show"),
    ("workspace show ml --json", "workspace.show"),
    ("workspace delete ml --yes=ml", "workspace.delete"),
    ("workspace undelete gone", "workspace.undelete"),
    ("workspace purge gone --yes=gone", "workspace.purge"),
    ("identity bind ml --uid 7", "identity.bind"),
    ("identity unbind ml --uid 48004", "identity.unbind"),
    ("identity show ml", "identity.show"),
    ("identity show ml --json", "identity.show"),
    ("identity list", "workspace.list"),
    ("identity list --json", "identity.show"),
    ("identity revoke ml --force", "identity.revoke"),
    ("grant ml user:7 owner", "grant.add"),
    ("grant / user:7 owner", "grant.add"),
    ("ungrant ml user:7", "grant.remove"),
    ("grants ml", "grant.list"), ("grants / --json", "grant.list"),
    ("why user:7 secret.get ml/other", "policy.explain"),
    ("why user:7 secret.get ml/other --json", "policy.explain"),
    ("who ml", "policy.who"), ("who ml/other --json", "policy.who"),
    ("role list", "role.list"), ("role list ml --json", "role.list"),
    ("role show reader", "role.show"),
    ("role show reader --json", "role.show"),
    ("role export Mine", "role.show"),
    ("role import ROLE", "role.put"), ("role delete Mine", "role.delete"),
    ("put ml/new --kind generic", "secret.put"),
    ("get ml/other", "secret.get"), ("get ml/other --json", "secret.get"),
    ("get ml/other --output OUT", "secret.get"),
    ("list ml", "secret.list"), ("list ml --deleted --json", "secret.list"),
    ("show ml/other", "secret.show"),
    ("show ml/other --json", "secret.show"),
    ("versions ml/other", "secret.versions"),
    ("versions ml/other --json", "secret.versions"),
    ("delete ml/other", "secret.delete"),
    ("undelete ml/other", "secret.undelete"),
    ("purge ml/other --yes=ml/other", "secret.purge"),
    ("unused ml --days 3", "secret.list"),
    ("unused ml --since 2026-01-01T00:00:00Z --json", "activity.read"),
    ("run start -w ml --no-secrets --pid PID", "run.start"),
    ("run start -w ml --secret other --pid PID --json", "run.start"),
    ("run exec -w ml --secret other -- true {other}", "run.start"),
    ("run list ml", "run.list"), ("run list ml --mine --json", "run.list"),
    ("run show ml RUN", "run.show"), ("run show ml RUN --json", "run.show"),
    ("run end ml RUN", "run.end"), ("run renew ml RUN", "run.renew"),
    ("target create ml/new --host h --user u", "target.create"),
    ("target list ml", "target.list"),
    ("target list ml --json", "target.list"),
    ("target show ml/host", "target.show"),
    ("target show ml/host --json", "target.show"),
    ("target set ml/host --host g", "target.set"),
    ("target pin ml/host --none", "target.pin"),
    ("target known-hosts ml/host", "target.show"),
    ("target public-key ml/host", "target.show"),
    ("target authorized-keys ml/host", "target.show"),
    ("target authorize ml/host", "target.show"),
    ("target rotate ml/host", "target.rotate"),
    ("target settle ml/host --version 1", "target.settle"),
    ("target delete ml/host --yes=ml/host", "target.delete"),
    ("ca show ml", "ca.show"), ("ca show ml --json", "ca.show"),
    ("ca public-key ml", "ca.show"), ("ca krl ml", "ca.krl"),
    ("ca revoke ml 1", "ca.revoke"), ("ca host ml/host", "ca.host"),
    ("ca user ml/host --output OUT", "ca.user"),
    ("watch ml/other --once", "secret.watch"),
    ("watch ml/other --once --json", "secret.watch"),
    ("report-stale ml/other --version 1", "secret.stale"),
    ("source set ml/other file path=/x", "secret.source"),
    ("source clear ml/other", "secret.source"),
    ("source list ml", "resync.list"),
    ("source list ml --json", "resync.list"),
    ("resync-keys ml", "resync.begin"),
    ("resync-keys ml --json", "resync.list"),
    ("activity", "activity.read"), ("activity ml --json", "activity.read"),
    ("activity show -n 3", "activity.read"),
]

# What nobody can mean: it is refused before anything is asked of the daemon.
MISUSES = [
    "run list .. --json", "run list ml --state gone",
    "run start -w ml --pid 7",
    "run start -w ml --no-secrets --secret other --pid 7",
    "run start -w ml --secret ../x --pid 7",
    "run start -w ml --no-secrets --pid 0",
    "run start -w ml --no-secrets --pid 4294967295",
    "run start -w ml --no-secrets",
    "run start -w ml --no-secrets --pid 7 --cgroup /x",
    "run start -w ml --no-secrets --uid 4294967295 --pid 7",
    "run start -w ml --no-secrets --token-fd 1",
    "run start -w ml --no-secrets --token-fd 99",
    "run start -w ml --no-secrets --token-fd 4294967295",
    "run show ml x", "run end ml 12", "run renew .. RUN",
    "unlock --slot 0 --keyfile KEYFILE", "unlock --slot 99999 --keyfile KEYFILE",
    "unlock --keyfile KEYFILE --passphrase",
    "init --keyfile KEYFILE --passphrase", "slot add", "slot remove 0",
    "slot remove x", "slot add --keyfile KEYFILE --passphrase",
    "activity --op nothing", "activity --status nothing",
    "activity --since never", "activity -n 0", "activity -n 4000000000",
    "activity ..", "why user:x secret.get ml/other",
    "why user:7 nothing ml/other", "why user:7 secret.get ../x", "who ..",
    "who ml --action nothing", "grants ..", "grant ml user:7 -",
    "put ml/x", "put ml/x --kind nothing", "put ml/x --kind datastore",
    "put ml/x --kind generic --type azure-sql",
    "put ml/x --kind datastore --type nothing",
    "put ml/x --kind generic --create --if-version 1",
    "put ml/x --kind generic --if-version 0",
    "put ml/x --kind generic --if-version 4294967295",
    "put ml/x --kind generic --expires never",
    "put ml/x --kind generic --expires 2001-01-01T00:00:00Z",
    "put ../x --kind generic", "get ../x", "get ml/other --json --field a",
    "get ml/other --format nothing", "get ml/other --version 0",
    "role list ..", "role show .", "role show reader --version 0",
    "role export .", "role delete .", "workspace create ..",
    "workspace show ..", "workspace delete ml --yes=lm",
    "identity bind ml", "identity bind .. --uid 7",
    "identity bind ml --uid 4294967295", "identity revoke ml",
    "target create ml/x --host h", "target create ml/x --host -h --user u",
    "target create ml/x --host h --user u --port 0",
    "target create ml/x --host h --user u --port 65536",
    "target set ml/host",
    "ca user ml/host --lifetime x",
    "watch", "watch ml/other --version x",
    "unused ml --days 0",
    "unused ml --days 3 --since 2026-01-01T00:00:00Z",
    "unused ml --since never", "source set ml/other .. path=/x",
    "source set ml/other file path", "resync-keys",
    "resync-keys ml --only nothing", "resync-keys ml --grace x",
    "resync-keys ml --deadline 0", "resync-keys ..",
    "ssh-agent -w ml", "ssh ..", "nothing", "run nothing",
    "run start --no-secrets --pid 7", "run start -w .. --no-secrets --pid 7",
    "run start -w ml --no-secrets --pid 7 --lifetime never",
    "run start -w ml --no-secrets --pid 7 --label " + "l" * 128,
    "run start -w ml --no-secrets --pid 7 --snapshot none",
    "run start -w .. --no-secrets --token-fd 1",
    "run exec -- true", "run exec -w ml --secret .. --secret other -- true",
    "run renew ml RUN --lifetime never",
    "source set ../x file path=/x", "source set ml/other file pa/th=/x",
    "source set ml/other file path=" + "x" * 1025,
    "source set ml/other file path" + " path".join(
        "%d=x" % i for i in range(17)),
    "unused .. --days 3", "grant ml nobody:7 owner", "ungrant ml nobody:7",
    "identity bind ml --uid 7 --gid 4294967295",
    "identity bind ml --cgroup x", "identity bind ml --uid 7 --exe x",
    "identity bind ml --uid 7 --exe /" + "x" * 5000,
    "target create ml/x --user u", "target create ../x --host h --user u",
    "target set ml/host --restricted --unrestricted",
    "target set ml/host --for-runs --not-for-runs",
    "target set ml/host --namespace git --no-namespaces",
    "target settle ../x --version 1", "ssh --agent /x ..",
    "activity verify --known 12 STATE", "activity verify --known " +
    "x" * 64 + " STATE", "activity verify --known " + "0X" * 32 + " STATE",
    "watch" + "".join(" w%d/n" % i for i in range(9)),
    "why user:7 status ml", "init --keyfile",
]

# Of these a stranger is told, and those a locked vault does.
FOR_ALL = ("status", "workspace list", "identity list")
LOCKED_TOO = ("status", "doctor", "lock", "slot list", "slot remove")


class Liar:
    """A daemon between the command and the real one: to one operation it
    has an answer of its own."""

    def __init__(self, path, to):
        self.to, self.code, self.answer = to, None, b""
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(64)
        os.chmod(path, 0o666)
        self.asked = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def lies(self, op, answer):
        self.code, self.answer = wire.OPERATIONS[op][0], answer
        self.asked = 0

    def accept(self):
        while True:
            peer = self.listener.accept()[0]
            threading.Thread(target=self.serve, args=(peer,),
                             daemon=True).start()

    def serve(self, peer):
        real = wire.Connection(self.to, greet=False)
        with peer, real.socket:
            while True:
                frame = self.frame(peer)
                if frame is None:
                    return
                op, number = struct.unpack(">HI", frame[6:12])
                if op == self.code:
                    self.asked += 1
                    body = wire.frame(
                        op, self.answer, number, kind=wire.REPLY)
                    peer.sendall(body)
                    continue
                real.send_raw(frame)
                reply = real.receive()
                if reply is None:
                    return
                peer.sendall(reply.data)

    @staticmethod
    def frame(peer):
        """A whole one; None at the end."""
        data = b""
        try:
            while len(data) < 4 or len(data) < 4 + struct.unpack(
                    ">I", data[:4])[0]:
                more = peer.recv(4 if len(data) < 4 else 1 << 18)
                if not more:
                    return None
                data += more
        except ConnectionResetError:
            return None
        return data


class Place:
    """A vault with one of everything, and the verbs with its names."""

    def __init__(self, t, config=None):
        self.t = t
        self.d = t.daemon(config)
        self.names = {
            "KEYFILE": t.keyfile(harness.KEY, name="vault.key"),
            "NEW": os.path.join(t.dir, "new.key"),
            "OUT": os.path.join(t.dir, "out")}
        self.d.init(harness.slot_key(harness.KEY))
        self.furnish()

    def furnish(self):
        for name in ("ml", "gone"):
            self.cofre("workspace", "create", name)
        self.cofre("workspace", "delete", "gone", "--yes=gone")
        self.cofre("identity", "bind", "ml", "--uid", "48004")
        self.cofre("put", "ml/other", "--kind", "generic", stdin=b"v")
        self.cofre("target", "create", "ml/host", "--host", "h", "--user",
                   "u")
        self.cofre("target", "pin", "ml/host", "--host-key", HOST_KEY)
        self.names["ROLE"] = harness.write_file(
            os.path.join(self.t.dir, "role.json"), json.dumps(ROLE), 0o644)
        self.cofre("role", "import", self.names["ROLE"])
        process = subprocess.Popen(["sleep", "1000"])
        self.t.undo += [process.wait, process.kill]
        self.names["PID"] = str(process.pid)
        self.names["RUN"] = json.loads(self.cofre(
            "run", "start", "-w", "ml", "--secret", "other", "--pid",
            self.names["PID"], "--json"))["run"]

    def cofre(self, *arguments, **more):
        return self.t.run_cofre(self.d, *arguments, **more)

    def words(self, line):
        return [self.names.get(w, w) for w in line.split()]

    def refused(self, path, line, codes, **more):
        """It ends with one of these codes, says why, and prints nothing."""
        if more:
            more.update(group=more["user"], extra_groups=[])
        done = subprocess.run(
            [self.t.cofre(), "--socket", path, *self.words(line)],
            input=b"secret", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=60, cwd=self.t.dir, **more)
        said = done.stderr.decode()
        check(done.returncode in codes, "cofre %s: exit code %d, not in %s: "
              "%s" % (line, done.returncode, codes, said))
        check(said.startswith("cofre") or "cofre:" in said or
              "usage" in said, "cofre %s: says %r" % (line, said))
        check(b"secret" not in done.stdout + done.stderr.replace(
            b"secret '", b""), "cofre %s tells the secret" % line)


def every_verb(t):
    place = Place(t)
    liar = Liar(os.path.join(t.dir, "liar"), place.d.socket)
    path = os.path.join(t.dir, "liar")
    bad = []

    def attempt(*arguments, **more):
        try:
            place.refused(*arguments, **more)
        except Exception as e:
            bad.append(str(e))

    for line, op in VERBS:
        attempt(place.d.socket, line.split(" --")[0] + " --no-such-option",
                [USAGE])
        attempt(os.path.join(t.dir, "nowhere"), line, [UNREACHABLE])
        if not line.startswith(FOR_ALL):
            attempt(place.d.socket, line, [DENIED, NOT_FOUND, USAGE]
                    if line.endswith(("NEW", "OUT")) else [DENIED, NOT_FOUND],
                    user=STRANGER)
        for answer, codes in LIES:
            liar.lies(op, answer)
            attempt(path, line, codes)
            if liar.asked == 0:
                bad.append("%s does not ask for %s" % (line, op))
    place.cofre("lock")
    for line, op in VERBS:
        if not line.startswith(LOCKED_TOO):
            attempt(place.d.socket, line, [LOCKED])
    for answer, codes in LIES:
        liar.lies("vault.unlock", answer)
        attempt(path, "unlock --keyfile KEYFILE", codes)
    check(not bad, "\n".join(bad))
    show("%d verbs say why they are not done" % len(VERBS))
