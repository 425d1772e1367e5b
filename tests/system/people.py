"""Processes that are somebody else.

An Agent is a process with another uid that does what it is told; what it
does, it does as that uid in every respect that the kernel can tell, for it
has none of root's ids left.  It is forked from the test, so it can call the
test's functions.
"""
import os
import pickle
import select
import signal
import socket
import struct
import time
import traceback

import cofre_wire as wire
from expect import Failure, check


def send_message(channel, message):
    data = pickle.dumps(message)
    channel.sendall(struct.pack(">Q", len(data)) + data)


def receive_exactly(channel, n):
    data = b""
    while len(data) < n:
        part = channel.recv(min(n - len(data), 1 << 20))
        if not part:
            return None
        data += part
    return data


def receive_message(channel):
    head = receive_exactly(channel, 8)
    if head is None:
        return None
    return pickle.loads(receive_exactly(channel,
                                        struct.unpack(">Q", head)[0]))


def become(uid):
    """That user, in every respect."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def start_of(pid):
    """When the process began, as the kernel counts it."""
    with open("/proc/%d/stat" % pid) as f:
        return int(f.read().rsplit(")", 1)[1].split()[19])


class Agent:
    channel = None      # in the agent's own process: to the test

    def __init__(self, uid, gid=None, groups=()):
        self.uid, self.gid = uid, uid if gid is None else gid
        self.groups = list(groups)
        self.here, there = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self.child(there)
        there.close()
        # Who looked at it before would see that it is still the test.
        if receive_message(self.here) is not True:
            raise Failure("no process of uid %d" % uid)

    def child(self, channel):
        code = 1
        try:
            for n in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
                signal.signal(n, signal.SIG_DFL)
            signal.alarm(0)
            own = channel.fileno()
            os.closerange(3, own)
            os.closerange(own + 1, 65536)
            if os.geteuid() == 0:
                os.setgroups(self.groups)
                os.setresgid(self.gid, self.gid, self.gid)
                os.setresuid(self.uid, self.uid, self.uid)
            Agent.channel = channel
            send_message(channel, True)
            self.serve(channel)
            code = 0
        except BrokenPipeError:
            pass        # the test has gone
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    @staticmethod
    def serve(channel):
        connections = {}
        while True:
            message = receive_message(channel)
            if message is None:
                return
            target, method, args, kwargs = message
            try:
                if method == "connect":
                    connections[target] = wire.Connection(*args, **kwargs)
                    answer = connections[target].greeting
                elif target is None:
                    answer = method(*args, **kwargs)
                else:
                    answer = getattr(connections[target], method)(
                        *args, **kwargs)
                answer = (True, answer)
            except Exception as e:
                answer = (False, e)
            send_message(channel, answer)

    def finish(self):
        """What the function of start() returns."""
        answer = receive_message(self.here)
        if answer is None:
            raise Failure("the process of uid %d has ended" % self.uid)
        good, value = answer
        if not good:
            raise value
        return value

    def ask(self, *message):
        send_message(self.here, message)
        return self.finish()

    def do(self, function, *args, **kwargs):
        """Call a function of the test's module in that process."""
        return self.ask(None, function, args, kwargs)

    def start(self, function, *args):
        """The same without waiting for it."""
        send_message(self.here, (None, function, args, {}))

    def connect(self, path, **more):
        return Remote(self, path, more)

    def end(self):
        """Let it close what it has, and wait until it is gone."""
        if self.pid is not None:
            self.here.close()
            os.waitpid(self.pid, 0)
        self.pid = None

    def kill(self):
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            self.end()


class Remote:
    """A Connection that an agent has."""

    def __init__(self, agent, path, more):
        self.agent = agent
        self.greeting = agent.ask(id(self), "connect", (path,), more)

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.agent.ask(id(self), name, args,
                                                      kwargs)


def told_to_stop(seconds=0.0):
    """In an agent: has the test asked for an end?"""
    if not select.select([Agent.channel], [], [], seconds)[0]:
        return False
    receive_message(Agent.channel)
    return True


def keep_fetching(path, workspace, name, values):
    """Fetch until told to stop: how often, the longest time, what failed."""
    count, longest = 0, 0.0
    c = wire.Connection(path)
    while not told_to_stop(0.002):
        begin = time.monotonic()
        r = c.get(workspace, name)
        longest = max(longest, time.monotonic() - begin)
        count += 1
        if r is None or not r.ok or r.values() != values:
            told_to_stop(None)
            return count, longest, repr(r)
    return count, longest, None


class Bystander:
    """Somebody else, whose service must not suffer meanwhile.

        with Bystander(t.agent(uid), d, "w", "n", {"value": b"..."}) as b:
            ...
        b.count, b.longest

    At the end every fetch must have been answered, rightly, and within
    limit seconds."""

    def __init__(self, agent, daemon, workspace, name, values, limit=2.0):
        self.agent, self.limit = agent, limit
        self.count, self.longest = 0, 0.0
        agent.start(keep_fetching, daemon.socket, workspace, name, values)

    def __enter__(self):
        return self

    def __exit__(self, kind, *error):
        send_message(self.agent.here, "stop")
        self.count, self.longest, wrong = self.agent.finish()
        if kind is not None:
            return
        check(wrong is None, "the bystander got %s" % wrong)
        check(self.count > 0, "the bystander was never served")
        check(self.longest < self.limit, "the bystander waited %.2f s" %
              self.longest)
