#!/usr/bin/env python3
"""A part of make bench: signatures by the daemon's agent beside those by
OpenSSH's own ssh-agent, with the same type of key, over the same bytes, in one
run.  Runs in the build directory, which is the working directory.

What is signed is an SSHSIG of a namespace that the target may sign for: who
asks for it is attested, the key is opened, used and wiped, and the signature
is recorded, none of which ssh-agent does.

SIGNING_ROUNDS=n     40
SIGNING_SLICE_MS=n   50
"""
import base64
import os
import select
import shutil
import struct
import subprocess
import sys
import time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "system"))

import cofre_wire as wire
import harness
from expect import Skip, check, show, status

ROUNDS = os.environ.get("SIGNING_ROUNDS", "40")
SLICE_MS = os.environ.get("SIGNING_SLICE_MS", "50")
MESSAGES = 64
SIGN = 13


def string(data):
    return struct.pack(">I", len(data)) + data


def messages(blob):
    """Requests for signatures of what differs in its hash alone."""
    made = b""
    for i in range(MESSAGES):
        data = b"SSHSIG" + string(b"git") + string(b"") + string(b"sha512") + \
            string(bytes([i]) * 64)
        made += string(bytes([SIGN]) + string(blob) + string(data) +
                       struct.pack(">I", 0))
    return made


def openssh(t):
    """An ssh-agent with one key: its socket, its process, the key."""
    path, key = os.path.join(t.dir, "agent"), os.path.join(t.dir, "id")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key],
                   check=True)
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", path],
                             stdout=subprocess.DEVNULL)
    t.undo.append(agent.wait)
    t.undo.append(agent.terminate)
    end = time.monotonic() + 30
    while not os.path.exists(path):
        check(time.monotonic() < end, "ssh-agent does not start")
        select.select([], [], [], 0.01)
    subprocess.run(["ssh-add", "-q", key], check=True,
                   env=dict(os.environ, SSH_AUTH_SOCK=path))
    public = harness.read_file(key + ".pub").split()[1]
    return path, agent.pid, base64.b64decode(public)


def cofre(t):
    d = harness.Daemon(t)
    path = os.path.join(d.dir, "agent")
    d.configure(agent_socket=path)
    d.start()
    c = d.init()
    status(c.call("workspace.create", workspace="w"), "OK")
    r = status(c.call("target.create", workspace="w", name="t", host="h",
                      port=22, user="u",
                      namespaces=[dict(namespace="git")]), "OK")
    blob = string(b"ssh-ed25519") + string(r.fields["public"])
    return d, path, blob


def test(t):
    for name in ("ssh-agent", "ssh-add", "ssh-keygen"):
        if shutil.which(name) is None:
            raise Skip("%s is not installed" % name)
    program = harness.program("SIGN", "./tests/bench/sign")
    d, path, blob = cofre(t)
    line = [program, ROUNDS, SLICE_MS]
    for at, pid, key in (openssh(t), (path, d.pid, blob)):
        data = messages(key)
        file = harness.write_file(os.path.join(t.dir, "messages.%d" % pid),
                                  data)
        line += [at, str(pid), file, str(len(data) // MESSAGES)]
    done = subprocess.run(line, stdout=subprocess.PIPE, timeout=800)
    check(done.returncode == 0, "sign failed")
    version = subprocess.run(["ssh", "-V"], stderr=subprocess.PIPE)
    show("signatures by ssh-agent (%s), and by cofre, over the same bytes (%s "
         "rounds of %s ms, medians; ratios with where 8 of 10 rounds lie)" %
         (version.stderr.decode().split(",")[0], ROUNDS, SLICE_MS))
    show(done.stdout.decode().rstrip())
    d.stop()


harness.main(test, limit=900)
