#!/usr/bin/env python3
"""The three compute agents of README.md: a service, a Slurm job, a process.

What systemd and slurmd do here is what they do to a process: put it into a
cgroup of that name, as that user.  The rest is the real command.
"""
import hashlib
import os
import shutil
import subprocess
import sys
sys.dont_write_bytecode = True

import cgroups
import harness
from expect import check, same, show, status

USER, AGENT = 48001, 48002
VALUE = b"of the store"
RUN = ("run", "exec", "-w", "ml-prod", "--secret", "store")


class At:
    """A command in a cgroup, as a user: what a manager does to a job."""

    def __init__(self, t, d, uid, cgroup=None):
        self.t, self.d, self.uid, self.cgroup = t, d, uid, cgroup

    def enter(self):
        if self.cgroup is not None:
            cgroups.enter(self.cgroup)
        os.setgroups([])
        os.setresgid(self.uid, self.uid, self.uid)
        os.setresuid(self.uid, self.uid, self.uid)

    def run(self, *arguments, code=0, program=None):
        done = subprocess.run(
            [program or self.t.cofre(), "--socket", self.d.socket,
             *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=60, preexec_fn=self.enter)
        same(done.returncode, code, "exit code of %s: %s" %
             (" ".join(arguments), done.stderr.decode(errors="replace")))
        return done.stdout


def bind(t, d, verb, *options):
    t.run_cofre(d, "identity", verb, "ml-prod", *options)


def service(t, d):
    unit = "cofre-test-%d.service" % os.getpid()
    options = ("--unit", unit)
    bind(t, d, "bind", *options)
    inside = At(t, d, USER, cgroups.make(t, "/system.slice/" + unit))
    same(inside.run(*RUN, "--", "cat", "{store}"), VALUE, "the service")
    At(t, d, USER).run(*RUN, "--", "cat", "{store}", code=5)
    At(t, d, USER, cgroups.make(t, "/user.slice/system.slice/" + unit)).run(
        *RUN, "--", "cat", "{store}", code=5)
    bind(t, d, "unbind", *options)
    inside.run(*RUN, "--", "cat", "{store}", code=5)
    show("a service, by its unit")


def slurm(t, d):
    top = "/system.slice/cofre-test-%d.scope" % os.getpid()
    options = ("--uid", str(USER), "--cgroup", top)
    bind(t, d, "bind", *options)
    where = cgroups.make(t, top + "/job_7/step_0/user/task_0")
    job = At(t, d, USER, where)
    same(job.run(*RUN, "--label", "job 7", "--", "cat", "{store}"), VALUE,
         "the job")
    At(t, d, USER).run(*RUN, "--", "cat", "{store}", code=5)
    At(t, d, AGENT, where).run(*RUN, "--", "cat", "{store}", code=5)
    bind(t, d, "unbind", *options)
    job.run("get", "ml-prod/store", "--field", "value", code=5)
    # And without a binding: the prolog starts a run of the job's cgroup.
    holder = subprocess.Popen(["sleep", "60"], preexec_fn=job.enter)
    try:
        run = t.run_cofre(d, "run", "start", "-w", "ml-prod", "--secret",
                          "store", "--uid", str(USER), "--cgroup",
                          top + "/job_7").decode().strip()
        same(job.run("get", "ml-prod/store", "--field", "value"), VALUE,
             "in the job that the prolog made a run")
        job.run("get", "ml-prod/other", "--field", "value", code=5)
        At(t, d, USER).run("get", "ml-prod/store", "--field", "value", code=5)
    finally:
        holder.kill()
        holder.wait()
    check(run in t.run_cofre(d, "run", "list", "ml-prod").decode(),
          "the run is not listed")
    show("a job, by its user and cgroup; and as a run that the prolog makes")


def process(t, d, agent):
    """The agent's program is a copy of cofre, so that it can be bound."""
    with open(agent, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    bind(t, d, "bind", "--uid", str(AGENT), "--exe", agent, "--sha256",
         digest)
    here = At(t, d, AGENT)
    job = subprocess.Popen(["sleep", "60"], preexec_fn=here.enter)
    try:
        run = here.run("run", "start", "-w", "ml-prod", "--secret", "store",
                       "--pid", str(job.pid), program=agent).decode().strip()
        here.run("run", "start", "-w", "ml-prod", "--secret", "store",
                 "--pid", str(job.pid), code=5)
        shown = here.run("run", "show", "ml-prod", run, program=agent)
        check(str(job.pid).encode() in shown, "no pid in %r" % shown)
    finally:
        job.kill()
        job.wait()
    same(here.run(*RUN, "--", "cat", "{store}", program=agent), VALUE,
         "a run of its own")
    show("a plain process, by its user, path and digest")


def test(t):
    d = t.daemon()
    root = d.init()
    status(root.call("workspace.create", workspace="ml-prod"), "OK")
    status(root.put("ml-prod", "store", dict(value=VALUE)), "OK")
    status(root.put("ml-prod", "other", dict(value=b"another")), "OK")
    agent = os.path.join(t.dir, "agent")
    shutil.copyfile(t.cofre(), agent)
    os.chmod(agent, 0o755)
    process(t, d, agent)
    if cgroups.root() is None or cgroups.of() != "/":
        show("no cgroup can be made at the root here: service and job are "
             "tried by unit tests alone")
    else:
        service(t, d)
        slurm(t, d)
    d.stop()


harness.main(test)
