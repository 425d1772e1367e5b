"""Filters of system calls as the kernel has them, evaluated.

What seccomp(2) allows of classic BPF: a program of 8-byte instructions over
struct seccomp_data.  evaluate() says what a filter does with a call, and
which words of it were looked at; classes() which values of a word a filter
can tell apart.  Sources: linux/filter.h, linux/bpf_common.h, seccomp(2).
"""
import struct

ALLOW, KILL_PROCESS = 0x7fff0000, 0x80000000
X86_64, I386 = 0xc000003e, 0x40000003       # linux/audit.h
X32_BIT = 0x40000000
NUMBER, ARCH, POINTER, ARGUMENTS = 0, 4, 8, 16

LOAD, LOAD_IMMEDIATE, LOAD_MEMORY, STORE = 0x20, 0x00, 0x60, 0x02
LOADX_IMMEDIATE, LOADX_MEMORY, STOREX = 0x01, 0x61, 0x03
TO_X, TO_A = 0x07, 0x87
RETURN, RETURN_A = 0x06, 0x16
JUMP = 0x05
ALU = {
    0x00: lambda a, b: a + b, 0x10: lambda a, b: a - b,
    0x20: lambda a, b: a * b, 0x30: lambda a, b: a // b,
    0x40: lambda a, b: a | b, 0x50: lambda a, b: a & b,
    0x60: lambda a, b: a << (b & 31), 0x70: lambda a, b: a >> (b & 31),
    0x80: lambda a, b: -a, 0xa0: lambda a, b: a ^ b,
}
TESTS = {
    0x10: lambda a, b: a == b, 0x20: lambda a, b: a > b,
    0x30: lambda a, b: a >= b, 0x40: lambda a, b: (a & b) != 0,
}
ALL = 0xffffffff


def program(code):
    """The instructions of a filter: (code, if true, if false, number)."""
    return list(struct.iter_unpack("=HBBI", code))


def call(number, arguments=(), arch=X86_64):
    """What the kernel gives a filter: 16 words of 32 bits."""
    words = [number & ALL, arch, 0, 0]
    for value in tuple(arguments) + (0,) * (6 - len(arguments)):
        words += [value & ALL, value >> 32 & ALL]
    return words


def evaluate(instructions, words, seen=None):
    """(What it returns, the offsets that were looked at).  seen, a set, gets
    (offset, mask, number) of each comparison of a word with a number."""
    a = x = 0
    at, memory, looked = 0, [0] * 16, set()
    origin, mask = None, ALL
    while True:
        code, true, false, k = instructions[at]
        at += 1
        if code == LOAD:
            a, origin, mask = words[k // 4], k, ALL
            looked.add(k)
        elif code == RETURN:
            return k, looked
        elif code == RETURN_A:
            return a, looked
        elif code == JUMP:
            at += k
        elif code & 7 == 5:
            if seen is not None and origin is not None:
                seen.add((origin, mask, k))
            at += true if TESTS[code & 0xf0](a, x if code & 8 else k) \
                else false
        elif code & 7 == 4:
            a = ALU[code & 0xf0](a, x if code & 8 else k) & ALL
            if code == 0x54:
                mask &= k
            else:
                origin = None
        elif code in (LOAD_IMMEDIATE, LOADX_IMMEDIATE, LOAD_MEMORY,
                      LOADX_MEMORY):
            value = memory[k] if code & 0x60 else k
            if code & 1:
                x = value
            else:
                a, origin = value, None
        elif code in (STORE, STOREX):
            memory[k] = a if code == STORE else x
        elif code == TO_X:
            x = a
        elif code == TO_A:
            a, origin = x, None
        else:
            raise ValueError("instruction %#x is not one of seccomp" % code)


def verdict(filters, words):
    """(What all of them together do, whether one of them does so without a
    look at the arguments): the lowest result as a signed number counts."""
    def signed(result):
        return result - (1 << 32) if result & KILL_PROCESS else result
    results = [evaluate(f, words) for f in filters]
    worst = min((result for result, _ in results), key=signed)
    return worst, any(result == worst and max(looked) < ARGUMENTS
                      for result, looked in results)


def classes(tests, random):
    """Values of one word, of each kind that masked comparisons tell apart:
    tests are (mask, number).  Each number with any bits beside the mask, and
    each of its bits turned over; none and all; one bit alone."""
    values = {0, ALL} | {1 << i for i in range(32)}
    values.add(random.getrandbits(32))
    for mask, number in tests:
        beside = random.getrandbits(32) & ~mask
        values |= {number & ALL, (number | beside) & ALL}
        values |= {(number ^ 1 << i) & ALL for i in range(32)}
        values |= {(number + 1) & ALL, (number - 1) & ALL}
    return values
