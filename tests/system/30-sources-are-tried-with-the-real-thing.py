#!/usr/bin/env python3
"""Each source that is shipped gives what the real thing has: files, a docker
credential helper with a real store, a web server asked by curl, and a program
of one's own.  For az, which needs a cloud, there is a recorded stand-in.

What a request says is data: it never becomes an option, another file, another
server or a shell line.  And no value is ever in an argument, an environment
or a file."""
import base64
import contextlib
import http.server
import json
import os
import shutil
import ssl
import subprocess
import threading

from expect import check, same, show
from harness import main, need_root, read_file, write_file

UID = 41030             # whom the sources run as
OTHER = 41031           # somebody else
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("BUILD", ".")
# Quotes, a backslash, what a shell acts upon, and what is no ASCII; by the
# mark it is known in whatever form it is found.
MARK = "q9Zk3vWm7"
VALUE = MARK + "p w\"1\\'$(id)`id`;&\u00fc="
COMPILED = ("azure", "docker", "file", "http")


class Sources:
    """The sources in a directory of root's, and how they are run."""

    def __init__(self, t):
        self.t = t
        self.dir = self.make("sources.d")
        self.home = self.make("home", UID, 0o700)
        self.bin = self.make("bin")
        for name in COMPILED:
            self.install(name, os.path.join(BUILD, "client/sources", name))
        self.environment = {"PATH": self.bin + ":/usr/bin:/bin",
                            "HOME": self.home, "LC_ALL": "C.UTF-8"}

    def make(self, name, uid=0, mode=0o755):
        path = os.path.join(self.t.dir, name)
        os.mkdir(path)
        os.chown(path, uid, uid)
        os.chmod(path, mode)
        return path

    def install(self, name, source):
        to = os.path.join(self.dir, name)
        shutil.copyfile(source, to)
        os.chmod(to, 0o755)
        return to

    def script(self, name, text):
        return write_file(os.path.join(self.bin, name), text, 0o755)

    def write(self, name, data, mode=0o600, uid=UID):
        path = write_file(os.path.join(self.home, name), data, mode)
        os.chown(path, uid, uid)
        return path

    def run(self, name, text, code, prefix=(), environment=()):
        """Standard output and standard error of one call."""
        if isinstance(text, str):
            text = text.encode()
        done = subprocess.run(
            [*prefix, os.path.join(self.dir, name)], input=text,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
            env={**self.environment, **dict(environment)}, user=UID,
            group=UID, extra_groups=[], timeout=60)
        check(done.returncode == code, "%s: exit code %d, not %d: %s" %
              (name, done.returncode, code,
               done.stderr.decode(errors="replace")))
        return done.stdout, done.stderr.decode(errors="replace")

    def ask(self, name, operation="pull", arguments=None, kind="generic",
            slot=0, fields=None, code=0, **more):
        """The answer; of a call that must fail, what it says."""
        out, err = self.run(name, json.dumps({
            "version": 1, "operation": operation, "workspace": "w",
            "name": "n", "kind": kind, "arguments": arguments or {},
            "slot": slot, "fields": fields or {}}), code, **more)
        if code == 0:
            same(err, "", "standard error of " + name)
            return json.loads(out)
        same(out, b"", "what %s prints when it fails" % name)
        check(err.replace("\n", "").isprintable(), "%s says %r" %
              (name, err))
        return err

    def refused(self, words, name, arguments, **more):
        text = self.ask(name, arguments=arguments, code=1, **more)
        check(words in text, "%s says %r, not %r" % (name, text, words))
        return text


# --- what all of them do ------------------------------------------------------


def requests_are_checked(s):
    good = {"version": 1, "operation": "pull", "kind": "generic",
            "arguments": {}, "slot": 0, "fields": {}}

    def bad(words, text=None, **changes):
        changed = {k: v for k, v in {**good, **changes}.items()
                   if v is not None}
        for name in COMPILED:
            out, err = s.run(name, text if text is not None else
                             json.dumps(changed), 1)
            same(out, b"", "what %s prints" % name)
            check(err.startswith(name + ": ") and words in err and
                  err.count("\n") == 1, "%s says %r, not %r" %
                  (name, err, words))

    bad("no JSON", "")
    bad("no JSON", "{")
    bad("no JSON", b"\xff\xfe")
    bad("no JSON", json.dumps(good)[:-1] + ', "slot": 1}')
    bad("not of version 1", "[]")
    bad("not of version 1", version=2)
    bad("not of version 1", version="1")
    bad("no kind", kind=None)
    bad("no strings", arguments={"path": 1})
    bad("no strings", arguments=["path"])
    bad("no strings", fields={"value": None})
    bad("slot", slot=3)
    bad("slot", slot=-1)
    bad("slot", slot="1")
    bad("has no operation", operation=None)
    bad("'delete' is not known", operation="delete")
    bad("more than", " " * (256 * 1024 + 1))
    for name in ("docker", "file", "http"):
        for operation in ("probe", "regenerate"):
            text = s.ask(name, operation, code=1)
            same(text, "%s: this source does not offer %s\n" %
                 (name, operation), "what it says")
    # What comes from outside is escaped where it is shown.
    text = s.ask("file", arguments={"path": "/\x1b[2J\n\u009bx"}, code=1)
    check("\\u{1b}[2J\\n\\u{9b}x" in text, text)
    # Arguments of the command line are nothing.
    path = s.write("plain", "v")
    out, _ = s.run("file", json.dumps(dict(good, arguments={"path": path})),
                   0)
    same(json.loads(out), {"fields": {"value": "v"}}, "the answer")
    show("a request that is none is refused by each source")


def nobody_looks_into_them(s):
    """While it works, its memory is root's alone.  What it was written is
    more than a pipe holds, so that it has begun to read."""
    for name in COMPILED:
        p = subprocess.Popen([os.path.join(s.dir, name)], user=UID,
                             group=UID, extra_groups=[], cwd="/",
                             env=s.environment, stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        p.stdin.write(b" " * (128 * 1024))
        p.stdin.flush()
        owner = os.stat("/proc/%d/mem" % p.pid).st_uid
        with open("/proc/%d/limits" % p.pid) as f:
            core = [line for line in f if "core file" in line][0].split()
        p.stdin.close()
        p.wait(60)
        same(owner, 0, "the owner of %s's memory" % name)
        same(core[4:6], ["0", "0"], "the core limit of " + name)


def a_line_with_its_path_runs_it(s):
    """A file of one line, "#!" and the path, is that source; it is run by
    descriptor, as the command does."""
    real = s.t.dir + "/libexec"
    os.mkdir(real, 0o755)
    os.chmod(real, 0o755)
    shutil.copyfile(s.dir + "/file", real + "/file")
    os.chmod(real + "/file", 0o755)
    line = write_file(s.dir + "/line", "#!%s/file\n" % real, 0o755)
    path = s.write("plain", VALUE + "\n")
    fd = os.open(line, os.O_RDONLY)

    def by_descriptor():
        os.dup2(fd, 3)
        os.set_inheritable(3, True)
        os.setgroups([])
        os.setresgid(UID, UID, UID)
        os.setresuid(UID, UID, UID)
        os.execve(3, ["line"], s.environment)

    done = subprocess.run(
        ["line"], preexec_fn=by_descriptor, pass_fds=(3, fd),
        stdout=subprocess.PIPE, timeout=60, input=json.dumps({
            "version": 1, "operation": "pull", "kind": "storage",
            "arguments": {"path": path}, "slot": 0,
            "fields": {}}).encode())
    os.close(fd)
    same(done.returncode, 0, "exit code")
    same(json.loads(done.stdout), {"fields": {"AccountKey": VALUE}},
         "the answer of a line")
    show("a line with the path of a source runs it by descriptor")


# --- file -----------------------------------------------------------------------


def file_gives_what_is_in_it(s):
    path = s.write("key", VALUE + "\n")
    for kind, field in (("storage", "AccountKey"), ("registry", "password"),
                        ("generic", "value")):
        same(s.ask("file", kind=kind, arguments={"path": path}),
             {"fields": {field: VALUE}}, kind)
    same(s.ask("file", kind="datastore",
               arguments={"path": path, "field": "client_secret"}),
         {"fields": {"client_secret": VALUE}}, "a field that is named")
    s.refused("'field' is missing", "file", {"path": path}, kind="datastore")
    # One newline at the end goes, and nothing else.
    for text, value in (("v", "v"), ("v\n", "v"), ("v\n\n", "v\n"),
                        ("v\r\n", "v\r"), (" v ", " v "), ("\n\nv", "\n\nv")):
        same(s.ask("file", arguments={"path": s.write("text", text)}),
             {"fields": {"value": value}}, repr(text))
    largest = "x" * (64 * 1024)
    same(s.ask("file", arguments={"path": s.write("large", largest)}),
         {"fields": {"value": largest}}, "the largest")


def file_has_two_keys(s):
    a = {"path": s.write("one", "1\n"), "path2": s.write("two", "2\n"),
         "path.username": s.write("user", "u\n")}
    for slot, want in ((0, 1), (1, 1), (2, 2)):
        same(s.ask("file", kind="registry", arguments=a, slot=slot),
             {"fields": {"password": str(want), "username": "u"},
              "slot": want}, "slot %d" % slot)
    a["path2.username"] = s.write("user2", "u2\n")
    same(s.ask("file", kind="registry", arguments=a, slot=2)["fields"],
         {"password": "2", "username": "u2"}, "both in the second slot")
    same(s.ask("file", kind="registry", arguments=a, slot=1)["fields"],
         {"password": "1", "username": "u"}, "both in the first slot")
    for more in ("path.username", "path2.username"):
        s.refused("/nowhere", "file", dict(a, **{more: "/nowhere"}),
                  kind="registry", slot=2 if "2" in more else 1)
    s.refused("second key alone", "file", {"path": a["path"],
                                           "path2.x": a["path"]})


def file_takes_no_other_file(s):
    path = s.write("plain", "v")
    links = s.make("links")
    os.symlink(path, links + "/file")
    os.symlink(s.home, links + "/directory")
    os.mkfifo(s.home + "/fifo")
    os.chown(s.home + "/fifo", UID, UID)
    for words, bad in (
            ("a symbolic link is in the path", links + "/file"),
            ("a symbolic link is in the path", links + "/directory/plain"),
            ("a symbolic link is in the path", "/proc/self/root" + path),
            ("no absolute path", "plain"), ("no absolute path", ""),
            ("no absolute path", "-"), ("no absolute path", "../plain"),
            ("no absolute path", s.home + "/../home/plain"),
            ("no absolute path", s.home + "/.."),
            ("no regular file", s.home), ("no regular file", "/dev/zero"),
            ("no regular file", s.home + "/fifo"),
            ("No such file", s.home + "/nothing"),
            ("No such file", path + "\n"),
            ("Not a directory", path + "/x"),
            ("Permission denied, as uid %d" % UID,
             s.write("others", "v", 0o600, OTHER)),
            ("must not have 0002 of it (chmod o-w)",
             s.write("open", "v", 0o602)),
            ("more than 65536", s.write("long", "x" * (64 * 1024 + 1))),
            ("is empty", s.write("empty", "")),
            ("is empty", s.write("newline", "\n")),
            ("no UTF-8", s.write("nul", "a\0b")),
            ("no UTF-8", s.write("latin", b"\xfc"))):
        s.refused(words, "file", {"path": bad})
    s.refused("'path' is missing", "file", {})
    s.refused("'path3' is not known", "file", {"path": path, "path3": path})
    s.refused("'path.' is not known", "file", {"path": path, "path.": path})
    # A name with two dots in it is one like any other.
    same(s.ask("file", arguments={"path": s.write("..a..", "v")}),
         {"fields": {"value": "v"}}, "two dots")
    show("file: the value of a file, and of no other than the one named")


# --- docker ---------------------------------------------------------------------


@contextlib.contextmanager
def password_store(s):
    """A real store of pass(1), with a real key of gpg(1)."""
    base = dict(env={**s.environment}, user=UID, group=UID, extra_groups=[],
                cwd="/", check=True, timeout=60, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE)
    try:
        subprocess.run(["gpg", "--batch", "--quiet", "--passphrase", "",
                        "--quick-gen-key", "cofre-test", "future-default",
                        "default", "never"], **base)
        subprocess.run(["pass", "init", "cofre-test"], **base)

        def store(server, user, secret):
            subprocess.run(["docker-credential-pass", "store"],
                           input=json.dumps({"ServerURL": server,
                                             "Username": user,
                                             "Secret": secret}).encode(),
                           **base)
        yield store
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], **{**base,
                                                        "check": False})


def docker_gives_what_a_helper_has(s):
    a = {"helper": "pass", "server": "images.example:5000"}
    with password_store(s) as store:
        store(a["server"], "robot$w", VALUE)
        store("other.example", "<token>", "t" * 40)
        for kind in ("registry", "generic"):
            same(s.ask("docker", kind=kind, arguments=a),
                 {"fields": {"username": "robot$w", "password": VALUE}},
                 kind)
        text = s.refused("identity token", "docker",
                         dict(a, server="other.example"), kind="registry")
        check("ttt" not in text, text)
        s.refused("no Username for this server", "docker",
                  dict(a, server="images.example"), kind="registry")
        nowhere(s, "docker", [VALUE], kind="registry", arguments=a)
        # A kind that has no such fields.
        s.refused("for a registry", "docker", a, kind="storage")
    show("docker: a real helper's credential")


def docker_runs_only_helpers(s):
    a = {"helper": "loud", "server": "images.example"}
    # The protocol's own words, and a helper that says too much.
    for printed, said in (
            ("credentials not found in native keychain\n",
             "the helper says: credentials not found in native keychain\n"),
            ('{"Username":"u","Secret":"%s"}' % VALUE, "exit code 1\n"),
            ("x" * 300, "exit code 1\n"), ("", "exit code 1\n"),
            ("\x1b[2J", "the helper says: \\u{1b}[2J\n")):
        write_file(s.bin + "/said", printed, 0o644)
        s.script("docker-credential-loud",
                 "#!/bin/sh\ncat %s/said\nexit 1\n" % s.bin)
        text = s.refused(said, "docker", a, kind="registry")
        check(VALUE not in text, text)
    for printed, words in (
            ("", "no JSON"), ("[]", "no Username"), ("null", "no JSON"),
            ('{"Username":"u"}', "no Secret"),
            ('{"Username":"u","Secret":""}', "no Secret"),
            ('{"Username":"u","Secret":1}', "no Secret"),
            ('{"Username":"u","Secret":"a\\u0000b"}', "no JSON"),
            ("y" * 70000, "more than 65536")):
        write_file(s.bin + "/said", printed, 0o644)
        s.script("docker-credential-loud",
                 "#!/bin/sh\ncat %s/said\n" % s.bin)
        s.refused(words, "docker", a, kind="registry")
    s.script("docker-credential-loud", "#!/bin/sh\nkill -9 $$\n")
    s.refused("ended by signal 9", "docker", a, kind="registry")
    # It is told the server, and nothing but "get".
    s.script("docker-credential-loud", "#!/bin/sh\n"
             "printf '{\"Username\": \"%s\", \"Secret\": \"%s\"}' "
             "\"$(cat)\" \"$*\"\n")
    same(s.ask("docker", kind="registry", arguments=a)["fields"],
         {"username": a["server"], "password": "get"}, "what it is told")
    same(s.ask("docker", kind="registry",
               arguments=dict(a, server="--help"))["fields"],
         {"username": "--help", "password": "get"}, "no option")
    for helper in ("", "/bin/sh", "../loud", "loud\n", "loud;id", "-x",
                   "LOUD", "x" * 65, "loud get"):
        s.refused("no name of a helper", "docker", dict(a, helper=helper),
                  kind="registry")
    for server in ("", "a\x7f", "a b", "a\n", "\na", "a\tb", "h\u00f6st", "x" * 1025):
        s.refused("is no server", "docker", dict(a, server=server),
                  kind="registry")
    s.refused("can't run docker-credential-nothing: No such file", "docker",
              dict(a, helper="nothing"), kind="registry")
    s.refused("'helper' is missing", "docker", {"server": "s"},
              kind="registry")
    s.refused("'server' is missing", "docker", {"helper": "loud"},
              kind="registry")
    s.refused("'config' is not known", "docker", dict(a, config="/x"),
              kind="registry")
    show("docker: an argument is a server's name and nothing else")


# --- http -----------------------------------------------------------------------


class Handler(http.server.BaseHTTPRequestHandler):
    """A vault and a metadata service."""

    KEYS = {"keys": [{"value": VALUE}, {"value": "second"}], "version": 7,
            "until": "1790000000", "long": "1" * 19, "user": "u", "number": 5, "empty": ""}

    def do_GET(self):
        path = self.path.split("?")[0]
        self.server.seen.append((self.path, dict(self.headers)))
        if path == "/keys":
            want = "Basic " + base64.b64encode(
                self.server.login.encode()).decode()
            self.reply(200 if self.headers.get("Authorization") == want
                       else 401, json.dumps(self.KEYS))
        elif path == "/open":
            self.reply(200, json.dumps(self.KEYS))
        elif path == "/metadata":
            self.reply(200 if self.headers.get("Metadata") == "true"
                       else 400, json.dumps({"key": VALUE}))
        elif path == "/token":
            self.reply(200 if self.headers.get("X-Token") ==
                       self.server.token else 403, json.dumps(self.KEYS))
        elif path == "/elsewhere":
            self.reply(302, json.dumps(self.KEYS), Location="/open")
        elif path == "/created":
            self.reply(201, json.dumps(self.KEYS))
        elif path == "/garbage":
            self.reply(200, "<html>%s</html>" % VALUE)
        elif path == "/flood":
            self.flood()
        else:
            self.reply(404, json.dumps({"error": VALUE}))

    def reply(self, code, text, **headers):
        text = text.encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def flood(self):
        """Bytes without end, and no length before them."""
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b" " * 65536)
        except OSError:
            pass

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def web_server(login="", token="", context=None, host="127.0.0.1"):
    server = http.server.ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    server.seen, server.login, server.token = [], login, token
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server, "%s:%d" % (host, server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def http_gives_what_a_server_answers(s):
    with web_server("robot:netrc-p@ss w", "t0ken/secret") as (server, at):
        url = "http://%s/" % at
        f = {"AccountKey": "/keys/0/value"}
        netrc = s.write("netrc", 'machine 127.0.0.1 login robot password '
                        '"netrc-p@ss w"\n')
        a = dict(f, url=url + "keys", netrc=netrc)
        want = {"fields": {"AccountKey": VALUE}}
        same(s.ask("http", kind="storage", arguments=a), want, "netrc")
        s.refused("status 401", "http", dict(f, url=url + "keys"))
        m = dict(AccountKey="/key", url=url + "metadata?a=b&c=%20d",
                 header="Metadata: true")
        same(s.ask("http", arguments=m), want, "metadata")
        same(server.seen[-1][0], "/metadata?a=b&c=%20d", "the path")
        s.refused("status 400", "http",
                  dict(m, header='Metadata: true" x \\'))
        same(server.seen[-1][1]["Metadata"], 'true" x \\', "a header")
        headers = s.write("headers", "X-Token: t0ken/secret\n")
        token = dict(f, url=url + "token", **{"header-file": headers})
        same(s.ask("http", arguments=token), want, "a file of headers")
        s.refused("status 403", "http", dict(f, url=url + "token"))
        # Two keys, and numbers.
        two = dict(f, url=url + "open", username="/user", serial="/version",
                   expires="/until", **{"AccountKey.2": "/keys/1/value"})
        for slot, value in ((0, VALUE), (1, VALUE), (2, "second")):
            same(s.ask("http", arguments=two, slot=slot),
                 {"fields": {"AccountKey": value, "username": "u"},
                  "slot": slot or 1, "serial": 7, "expires": 1790000000},
                 "slot %d" % slot)
        nowhere(s, "http", [VALUE, "netrc-p@ss w", "t0ken/secret"],
                kind="storage", arguments=dict(a, **{"header-file": headers}))
        http_answers_are_checked(s, url)
        curl_is_checked(s, url)
        http_files_are_checked(s, a, token)
        http_is_told_nothing_else(s, server, url)
    show("http: what a server answers, asked by curl")


def http_answers_are_checked(s, url):
    f = {"AccountKey": "/keys/0/value"}
    for path, words in (("nothing", "status 404"), ("created", "status 201"),
                        ("elsewhere", "status 302"), ("garbage", "no JSON"),
                        ("flood", "curl ended")):
        text = s.ask("http", arguments=dict(f, url=url + path), code=1)
        check(words in text or (path == "flood" and "more than" in text),
              "%s: %r" % (path, text))
        check(VALUE not in text, text)
    for place in ("/keys/2/value", "/keys", "/number", "keys", "/", "-o/x"):
        s.refused("no string at", "http", {"url": url + "open",
                                           "AccountKey": place})
    s.refused("is empty", "http", {"url": url + "open", "a": "/empty"})
    s.refused("which field stands where", "http", {"url": url + "open"})
    for name in ("serial", "expires"):
        for place in "/user", "/empty", "/nothing", "/keys", "/long":
            s.refused("no number at '%s', for '%s'" % (place, name), "http",
                      dict(f, url=url + "open", **{name: place}))


def curl_is_checked(s, url):
    """Also what is in the place of curl must print what curl does."""
    f = {"AccountKey": "/keys/0/value"}
    for printed in "", "200", "\\n20", "{}200":
        path = s.script("curl", "#!/bin/sh\ncat >/dev/null\n"
                        "printf '%s'\n" % printed)
        s.refused("curl printed no status", "http", dict(f, url=url))
    os.unlink(path)
    s.refused("'url' has over 2048 bytes", "http",
              dict(f, url=url + "a" * 2048))
    s.refused("/nowhere", "http", dict(f, url=url, netrc="/nowhere"))


def http_files_are_checked(s, a, token):
    link = s.home + "/netrc-link"
    os.symlink(a["netrc"], link)
    s.refused("a symbolic link", "http", dict(a, netrc=link))
    os.chmod(a["netrc"], 0o644)
    s.refused("must not have 0004", "http", a)
    os.chmod(a["netrc"], 0o600)
    os.chmod(token["header-file"], 0o620)
    s.refused("must not have 0020", "http", token)
    os.chmod(token["header-file"], 0o600)


def http_is_told_nothing_else(s, server, url):
    """Not by an argument, nor by a file or a variable of the account."""
    f = {"AccountKey": "/keys/0/value", "url": url + "open"}
    before = len(server.seen)
    for bad in ("", "@" + s.home + "/netrc", "X:", "X;", "X: ", "-K: x",
                "X: a\r\nY: b", "X: a\nurl = x", "X : a", "X: \u009b",
                "X: " + "y" * 1024):
        s.refused("is no header", "http", dict(f, header=bad))
    for bad in ("file:///etc/passwd", "-K" + s.home, url[7:],
                "http://user@%s" % url[7:], url + "a b", url + "[1-3]",
                url + '"\noutput = "/tmp/x', url + "\\",
                "http://0.0.0.0:80/", "http://192.0.2.1/",
                "http://localhost.example/"):
        s.refused("'url'", "http", dict(f, url=bad))
    same(len(server.seen), before, "requests that the server saw")
    # An argument that is not known is a field, so nothing is an option.
    s.refused("no string at '%s/x', for 'output'" % s.home, "http",
              dict(f, output=s.home + "/x"))
    check(not os.path.exists(s.home + "/x"), "curl has written a file")
    s.write(".curlrc", 'output = "%s/curl"\n' % s.home)
    s.write(".netrc", "machine 127.0.0.1 login a password b\n")
    proxy = "http://127.0.0.1:9/"
    same(s.ask("http", arguments=f, environment={
        "http_proxy": proxy, "HTTP_PROXY": proxy, "ALL_PROXY": proxy}),
        {"fields": {"AccountKey": VALUE}}, "with a proxy and a .curlrc")
    check("Authorization" not in server.seen[-1][1], "a login was sent")
    check(not os.path.exists(s.home + "/curl"), "a .curlrc was read")
    os.unlink(s.home + "/.netrc")
    os.unlink(s.home + "/.curlrc")


def authority(s):
    """A certificate authority of the test, and a server's certificate."""
    d = s.make("tls", UID, 0o755)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=d, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", "/CN=cofre test", "-days", "2")
    openssl("req", *key, "-keyout", "key", "-out", "csr", "-subj", "/CN=x")
    write_file(d + "/extensions", "subjectAltName = IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "csr", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-CAcreateserial", "-out", "cert", "-days", "2",
            "-extfile", "extensions")
    os.chmod(d + "/ca.pem", 0o644)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(d + "/cert", d + "/key")
    return context, d + "/ca.pem"


def http_trusts_only_whom_it_should(s):
    context, ca = authority(s)
    f = {"AccountKey": "/keys/0/value"}
    with web_server(context=context) as (server, at):
        a = dict(f, url="https://%s/open" % at, cacert=ca)
        same(s.ask("http", arguments=a), {"fields": {"AccountKey": VALUE}},
             "over TLS")
        s.refused("curl ended with exit code 60", "http",
                  dict(f, url=a["url"]))
        s.refused("curl ended with exit code 60", "http",
                  dict(a, url=a["url"].replace("127.0.0.1", "localhost")))
        same(len(server.seen), 1, "requests that the server saw")
    show("http: over TLS, with a certificate that is good")


# --- azure ----------------------------------------------------------------------


def azure_gives_what_az_prints(s):
    here = s.make("az", UID)
    shutil.copyfile(os.path.join(HERE, "az-recorded-stand-in"), here + "/az")
    os.chmod(here + "/az", 0o755)
    path = {"PATH": here + ":" + s.environment["PATH"]}

    def keys(value=None):
        if value is not None:
            p = write_file(here + "/keys", json.dumps(value), 0o600)
            os.chown(p, UID, UID)
        return json.loads(read_file(here + "/keys"))

    def calls():
        lines = read_file(here + "/calls").decode().splitlines()
        return [json.loads(line) for line in lines]

    def ask(*arguments, **more):
        return s.ask("azure", *arguments, environment=path, **more)

    s.refused("can't run az: No such file", "azure", {"account": "store"},
              kind="storage", environment={"PATH": s.bin})
    keys({"storagesample": ["K1==", VALUE], "ImagesSample": ["P1", VALUE]})
    can = {"probe": True, "rotate": True}
    storage = {"account": "storagesample", "resource-group": "rg_(1).x",
               "subscription": "My Subscription"}
    registry = {"registry": "ImagesSample"}
    common = ["--output=json", "--only-show-errors"]
    where = ["--resource-group=rg_(1).x", "--subscription=My Subscription"]
    for slot, value in ((0, "K1=="), (1, "K1=="), (2, VALUE)):
        same(ask(kind="storage", arguments=storage, slot=slot),
             {"fields": {"AccountKey": value}, "slot": slot or 1, **can},
             "a storage account, slot %d" % slot)
    for slot, value in ((0, "P1"), (1, "P1"), (2, VALUE)):
        same(ask(kind="registry", arguments=registry, slot=slot),
             {"fields": {"username": "ImagesSample", "password": value},
              "slot": slot or 1, **can}, "a registry, slot %d" % slot)
    same([c["argv"] for c in calls()],
         3 * [["storage", "account", "keys", "list",
               "--account-name=storagesample", *where, *common]] +
         3 * [["acr", "credential", "show", "--name=ImagesSample",
               *common]], "what az was called with")
    same(calls()[0]["environment"], {"AZURE_CORE_COLLECT_TELEMETRY": "0"},
         "what az was told by its environment")
    nowhere(s, "azure", [VALUE, "K1=="], kind="storage", arguments=storage,
            environment=path)
    azure_rotates(s, ask, keys, calls)
    azure_fails(s, ask, here, calls, path)
    show("azure: what az prints, which a recorded stand-in plays")


def azure_rotates(s, ask, keys, calls):
    for kind, a, field, words, option, slots in (
            ("storage", {"account": "storagesample"}, "AccountKey",
             ["storage", "account", "keys", "renew",
              "--account-name=storagesample"], "--key",
             ("primary", "secondary")),
            ("registry", {"registry": "ImagesSample"}, "password",
             ["acr", "credential", "renew", "--name=ImagesSample"],
             "--password-name", ("password", "password2"))):
        name = list(a.values())[0]
        for slot in (1, 2):
            before = keys()[name]
            r = ask("regenerate", kind=kind, arguments=a, slot=slot)
            after = keys()[name]
            same(r["slot"], slot, "slot")
            same(r["fields"][field], after[slot - 1], "the new key")
            check(before[slot - 1] != after[slot - 1], "it is the old one")
            same(before[2 - slot], after[2 - slot], "the other key")
            same(calls()[-1]["argv"],
                 words + ["%s=%s" % (option, slots[slot - 1]),
                          "--output=json", "--only-show-errors"],
                 "what az was called with")
            same(ask("probe", kind=kind, arguments=a, slot=slot,
                     fields=r["fields"]), {"ok": True}, "the new key")
            same(ask("probe", kind=kind, arguments=a, slot=slot,
                     fields={field: before[slot - 1]}),
                 {"ok": False, "reason": "upstream has no such key"},
                 "the old key")
        text = ask("regenerate", kind=kind, arguments=a, slot=0, code=1)
        check("needs a slot" in text, text)
        text = ask("probe", kind=kind, arguments=a, code=1)
        check("no field" in text, text)


def azure_fails(s, ask, here, calls, path):
    before = len(calls())

    def refused(words, kind, a):
        s.refused(words, "azure", a, kind=kind, environment=path)

    for bad in ("", "-h", "--help", "ab", "a" * 25, "Upper", "a b", "abc\n",
                "abc;id", "@/etc/passwd", "a=b", "st\u00f6re"):
        refused("'account' is not one", "storage", {"account": bad})
    for bad in ("", "-hhhh", "--help", "abcd", "a" * 51, "a bcde", "abcde\n",
                "abcde;id", "abcde.", "@/etc/passwd", "abcde=b"):
        refused("'registry' is not one", "registry", {"registry": bad})
    for name in ("resource-group", "subscription"):
        for bad in ("", "-x", "--debug", "x" * 91, "a\n", "a\tb", "a=b",
                    "@file", "$(id)"):
            refused("'%s' is not one" % name, "storage",
                    {"account": "storagesample", name: bad})
    refused("one of the arguments", "storage", {})
    refused("one of the arguments", "storage",
            {"account": "abc", "registry": "abcde"})
    refused("is for a storage", "registry", {"account": "abc"})
    refused("is for a registry", "generic", {"registry": "abcde"})
    refused("'query' is not known", "storage",
            {"account": "abc", "query": "x"})
    same(len(calls()), before, "calls of az")
    refused("az ended with exit code 3", "storage", {"account": "nothing"})
    write_file(here + "/fail", "Please run 'az login' to setup account.",
               0o644)
    text = ask(kind="storage", arguments={"account": "storagesample"},
               code=1)
    check(text.startswith("ERROR: Please run 'az login'") and
          "az ended with exit code 1" in text, text)
    for printed, words in (("", "no JSON"), ("[]", "no keyName 'key1'"),
                           ('[{"keyName": "key1"}]', "no keyName 'key1'"),
                           ('[{"keyName": "key1", "value": ""}]', "empty"),
                           ("1" * 70000, "more than")):
        write_file(here + "/said", printed, 0o644)
        write_file(here + "/az", "#!/bin/sh\ncat %s/said\n" % here, 0o755)
        refused(words, "storage", {"account": "storagesample"})


# --- one's own -------------------------------------------------------------------


def the_template_works(s):
    template = read_file(TOP + "/client/sources/command").decode()
    lines = template.splitlines()
    check(len(lines) <= 11, "the template has %d lines" % len(lines))
    manual = read_file(TOP + "/doc/cofre-source.7").decode()
    check(template.replace("\\", "\\e") in manual,
          "cofre-source(7) does not show client/sources/command")
    program = "/usr/local/libexec/my-vault-get"
    check(program in template, "no program to change in the template")
    own = s.script("my-get", "#!/bin/sh\n[ $# = 1 ] && [ \"$1\" != bad ] && "
                   "cat %s/\"$1\"\n" % s.home)
    to = os.path.join(s.dir, "command")
    write_file(to, template.replace(program, own), 0o755)
    s.write("my-key", VALUE + "\n")
    a = {"name": "my-key"}
    same(s.ask("command", kind="storage", arguments=a),
         {"fields": {"AccountKey": VALUE}}, "the template")
    nowhere(s, "command", [VALUE], kind="storage", arguments=a)

    def refused(code, **more):
        return s.ask("command", kind="storage", code=code, **more)

    same(refused(1, operation="probe", arguments=a), "only pull is offered\n",
         "what it says")
    for bad in ("-x", "a b", "../x", "a;id", "$(id)", "a\nb", "*"):
        same(refused(1, arguments={"name": bad}), "a bad name\n", repr(bad))
    refused(1, arguments={})
    refused(1, arguments={"name": "bad"})
    s.write("nothing", "\n")
    refused(4, arguments={"name": "nothing"})
    show("command: the template works as it is")


# --- where a value is never ------------------------------------------------------


def nowhere(s, name, values, environment=(), **request):
    """No program that the source runs has one of these values in an argument
    or in its environment, and none writes it into a file that it opens."""
    log = os.path.join(s.home, "strace")
    answer = s.ask(name, environment={**dict(environment),
                                      "ASAN_OPTIONS": "detect_leaks=0"},
                   prefix=("strace", "-f", "-q", "-v", "-s", "300000",
                           "-o", log, "-e", "signal=none", "-e",
                           "trace=execve,execveat,write"), **request)
    check("fields" in answer, "no answer: %r" % answer)
    text = read_file(log).decode()
    os.unlink(log)
    calls = [line for line in text.splitlines() if "exec" in line]
    check(len(calls) >= (1 if name == "file" else 2),
          "no program was seen: " + text[:500])
    seen = False
    for value in map(marked, values):
        seen = seen or value in text
        for call in calls:
            check(value not in call, "%s: a value is in %s" %
                  (name, call[:300]))
    # The memory of our own programs can't be looked into, strace or not.
    check(seen or name == "file", "%s: the value was never seen" % name)
    for where, _, files in os.walk(s.home):
        for file in files:
            path = os.path.join(where, file)
            if os.path.isfile(path) and not is_ours(s, path):
                content = read_file(path)
                for value in map(marked, values):
                    check(value.encode() not in content,
                          "%s: a value is in %s" % (name, path))


def is_ours(s, path):
    """A file that the test itself has put there."""
    return os.path.relpath(path, s.home) in (
        "key", "plain", "my-key", "netrc", "headers")


def marked(value):
    """What a value is known by."""
    return MARK if MARK in value else value


# --- the units -------------------------------------------------------------------


def units_are_sound(s):
    """systemd finds nothing wrong with them, and little to attack."""
    units = s.make("units")
    for name in ("cofre-resync.service", "cofre-resync.timer"):
        text = read_file(os.path.join(TOP, "doc/examples", name)).decode()
        check(name.endswith("timer") or "/usr/bin/cofre " in text,
              "no /usr/bin/cofre in " + name)
        write_file(os.path.join(units, name),
                   text.replace("/usr/bin/cofre ", s.t.cofre() + " "), 0o644)
    names = [units + "/cofre-resync.service", units + "/cofre-resync.timer"]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    lines = [line for line in done.stdout.decode().splitlines()
             if "cofre-resync" in line]
    same((done.returncode, lines), (0, []), "systemd-analyze verify")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20",
         "--no-pager", names[0]], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=60)
    same(done.returncode, 0, "systemd-analyze security:\n" +
         done.stdout.decode())
    show("the units: " + done.stdout.decode().strip().splitlines()[-1])


def test(t):
    need_root()
    s = Sources(t)
    requests_are_checked(s)
    nobody_looks_into_them(s)
    a_line_with_its_path_runs_it(s)
    file_gives_what_is_in_it(s)
    file_has_two_keys(s)
    file_takes_no_other_file(s)
    nowhere(s, "file", [VALUE], arguments={"path": s.write(
        "key", VALUE + "\n")})
    docker_gives_what_a_helper_has(s)
    docker_runs_only_helpers(s)
    http_gives_what_a_server_answers(s)
    http_trusts_only_whom_it_should(s)
    azure_gives_what_az_prints(s)
    the_template_works(s)
    units_are_sound(s)


main(test, limit=240)
