"""Looking for what must not be anywhere: in files, in memory, in /proc."""
import base64
import ctypes
import os
import shutil
import string
import subprocess
import urllib.parse

import harness


def spellings(value):
    """The bytes of a text in every form in which it could lie about."""
    if isinstance(value, str):
        value = value.encode()
    found = {"raw": value, "reversed": value[::-1],
             "hex": value.hex().encode(), "HEX": value.hex().upper().encode(),
             "percent": b"".join(b"%%%02x" % b for b in value),
             "PERCENT": b"".join(b"%%%02X" % b for b in value)}
    needed = urllib.parse.quote_from_bytes(value, safe="").encode()
    if needed != value:
        found["percent where needed"] = needed
    try:
        text = value.decode("ascii")
        found["UTF-16LE"] = text.encode("utf-16-le")
        found["UTF-16BE"] = text.encode("utf-16-be")
    except UnicodeDecodeError:
        pass
    # Three alignments; the ends depend on what stands beside.
    for i in range(3):
        for name, encode in (("base64", base64.b64encode),
                             ("base64url", base64.urlsafe_b64encode)):
            text = encode(bytes(i) + value + bytes(3))
            middle = text[4 if i else 0:(i + len(value)) // 3 * 4]
            found["%s at %d" % (name, i)] = middle
    return found


def words(key):
    """A key in parts of 8 bytes: a piece of it on a stack or in a vector
    register is found too."""
    return {"bytes %d to %d" % (i, i + 7): key[i:i + 8]
            for i in range(0, len(key), 8)}


class Needles:
    """What is looked for: {name: text}, each in all that forms() gives."""

    def __init__(self, wanted, forms=spellings):
        self.wanted = [(text, "%s (%s)" % (name, how))
                       for name, value in wanted.items()
                       for how, text in forms(value).items()]

    def __add__(self, other):
        both = Needles({})
        both.wanted = self.wanted + other.wanted
        return both

    def find(self, data):
        """The names of what is in the bytes.  Long runs of zeros, of which
        a sparse file is full, are not looked at."""
        data = data.replace(bytes(1024), b"\0")
        return [name for text, name in self.wanted if text in data]


def vault_keys(t, d, keyfile):
    """The keys of a vault, from a copy of its stores: {name: key}.  Of private
    SSH keys the seeds, each by its public key in hex."""
    helper = harness.program("VAULTKEYS", "./tests/system/vaultkeys")
    copy = os.path.join(t.dir, "copy")
    os.mkdir(copy)
    for name in ("data.mdb", "ssh.lmdb"):
        shutil.copy(os.path.join(d.state_dir, name), copy)
    out = subprocess.run([helper, copy, keyfile], check=True, timeout=30,
                         stdout=subprocess.PIPE).stdout.decode()
    shutil.rmtree(copy)
    return {n: bytes.fromhex(k) for n, k in
            (line.split() for line in out.splitlines())}


def seeds_of(keys):
    """Those of SSH keys, and of the store that has them."""
    return {n[:16]: k for n, k in keys.items() if len(n) == 64 or n == "ssh"}


def search_tree(needles, directory):
    """(files, bytes, [(what, path)])."""
    files = size = 0
    found = []
    for base, names, leaves in os.walk(directory):
        found += [(what, base) for n in names + leaves
                  for what in needles.find(n.encode())]
        for leaf in leaves:
            path = os.path.join(base, leaf)
            if not os.path.isfile(path) or os.path.islink(path):
                continue
            with open(path, "rb") as f:
                data = f.read()
            files += 1
            size += len(data)
            found += [(what, path) for what in needles.find(data)]
    return files, size, found


def regions(pid):
    """[(start, end, permissions, name)] of a process."""
    with open("/proc/%d/maps" % pid) as f:
        for line in f:
            parts = line.split(None, 5)
            start, end = (int(x, 16) for x in parts[0].split("-"))
            yield start, end, parts[1], parts[5].strip() if len(parts) > 5 \
                else ""


def search_memory(needles, pid):
    """Everything that root can read: (bytes, [(what, where)], unreadable).

    unreadable has the names of regions that are mapped for reading, and
    that the kernel refuses all the same."""
    size, found, refused = 0, [], []
    fd = os.open("/proc/%d/mem" % pid, os.O_RDONLY)
    try:
        for start, end, mode, name in regions(pid):
            if name.startswith(("[vvar", "[vsyscall")):
                continue
            if end - start > 1 << 30:   # the shadow of a sanitizer
                continue
            at, tail, failed = start, b"", False
            while at < end:
                try:
                    data = os.pread(fd, min(end - at, 1 << 24), at)
                except OSError:
                    failed = True
                    break
                if not data:
                    failed = True
                    break
                size += len(data)
                found += [(what, name or "%x" % start)
                          for what in needles.find(tail + data)]
                tail = data[-4096:]
                at += len(data)
            if failed and "r" in mode:
                refused.append((start, end, name))
    finally:
        os.close(fd)
    return size, found, refused


# Of linux/ptrace.h and elf.h: general, floating point, and the vector
# registers of x86-64 and of arm64.
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_GETREGSET = 0x4206, 0x4207, 0x4204
PTRACE_DETACH = 17
REGISTER_SETS = (1, 2, 0x202, 0x405)


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def registers(pid):
    """The bytes of all registers of a process that stands in a system
    call; it goes on then."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                            ctypes.c_void_p]
    if libc.ptrace(PTRACE_SEIZE, pid, None, None) != 0 or \
            libc.ptrace(PTRACE_INTERRUPT, pid, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0)
    data = b""
    for number in REGISTER_SETS:
        buffer = ctypes.create_string_buffer(1 << 16)
        there = Iovec(ctypes.addressof(buffer), len(buffer))
        if libc.ptrace(PTRACE_GETREGSET, pid, number,
                       ctypes.addressof(there)) == 0:
            data += buffer.raw[:there.size]
    libc.ptrace(PTRACE_DETACH, pid, None, None)
    return data


def read_remotely(pid, start):
    """process_vm_readv of some bytes: 0, or the error."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(64)
    here, there = Iovec(ctypes.addressof(buffer), 64), Iovec(start, 64)
    n = libc.process_vm_readv(pid, ctypes.byref(here), 1,
                              ctypes.byref(there), 1, 0)
    return 0 if n > 0 else ctypes.get_errno()


def search_processes(needles):
    """environ and cmdline of every process: [(what, path)]."""
    found = []
    for pid in os.listdir("/proc"):
        if not pid.isdigit() or int(pid) == os.getpid():
            continue
        for name in ("environ", "cmdline"):
            path = "/proc/%s/%s" % (pid, name)
            try:
                with open(path, "rb") as f:
                    data = f.read()
            except OSError:
                continue
            found += [(what, path) for what in needles.find(data)]
    return found


def canary(random, length=28):
    """A text that is nowhere by chance."""
    return "".join(random.choice(string.ascii_letters + string.digits)
                   for _ in range(length))
