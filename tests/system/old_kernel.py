"""Run a program as on a kernel before 6.5, which has no SO_PEERPIDFD.

    python3 old_kernel.py PROGRAM [ARGUMENT ...]

A seccomp filter makes the kernel answer getsockopt() for it with
ENOPROTOOPT, as an old one does.  The filter stays over the exec.
"""
import ctypes
import errno
import os
import struct
import sys

SO_PEERPIDFD = 77
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
GETSOCKOPT = {"x86_64": 55, "aarch64": 209}
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERROR = 0x7fff0000, 0x00050000
NUMBER, OPTION = 0, 16 + 2 * 8      # in struct seccomp_data


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def main():
    number = GETSOCKOPT[os.uname().machine]
    code = b"".join(struct.pack("=HBBI", *row) for row in (
        (LOAD, 0, 0, NUMBER),
        (JUMP_IF_EQUAL, 0, 3, number),
        (LOAD, 0, 0, OPTION),
        (JUMP_IF_EQUAL, 0, 1, SO_PEERPIDFD),
        (RETURN, 0, 0, ERROR | errno.ENOPROTOOPT),
        (RETURN, 0, 0, ALLOW)))
    room = ctypes.create_string_buffer(code, len(code))
    program = Program(len(code) // 8, ctypes.addressof(room))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
                  ctypes.byref(program), 0, 0) != 0:
        sys.exit("seccomp: " + os.strerror(ctypes.get_errno()))
    os.execv(sys.argv[1], sys.argv[1:])


main()
