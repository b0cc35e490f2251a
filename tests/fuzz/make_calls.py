#!/usr/bin/env python3
"""Write the seeds of the system call fuzzer: make_calls.py DIRECTORY.

Each is what fuzz_calls.c reads: a byte for the machine, then calls, whose arguments are given here
as bytes, or as small numbers.
"""
import os
import struct
import sys

F, D_F, UP, P, OUT, D, G, ROOT = (bytes([9, i]) for i in range(8))  # the area's names
AT = b"\x0b"  # AT_FDCWD
STORE, LOAD = 448, 449


def area(offset):
    return b"\x02" + struct.pack("<H", offset)


def zone(page):
    return bytes([5, page])


def pages(n):
    return bytes([6, n])


def call(number, *arguments):
    given = [a if isinstance(a, bytes) else bytes([1, a]) for a in arguments]
    return struct.pack("<H", number) + b"".join(given + [b"\x00"] * (6 - len(given)))


def mmap(page, n, prot, flags, fd=0):
    return call(222, zone(page), pages(n), prot, flags, fd, 0)


SEEDS = {
    # write a file, read it by a shared mapping, cut it, touch behind its end
    "file": b"\x01" + call(56, AT, F, b"\x07" + struct.pack("<I", 0o2), 0)
    + mmap(0, 3, 3, 0x11) + call(STORE, zone(0), 7) + call(63, 0, area(64), 99)
    + call(64, 0, area(0), 200) + call(46, 0, 9) + call(LOAD, zone(1)) + call(82, 0),
    # private and shared memory before and after a fork, in less memory than that
    "fork": b"\x00" + mmap(0, 80, 3, 0x32) + mmap(100, 8, 3, 0x31) + call(STORE, zone(1), 5)
    + call(STORE, zone(101), 6) + call(220, 17) + call(STORE, zone(1), 8) + call(STORE, zone(70), 8)
    + call(226, zone(0), pages(4), 1) + call(260, b"\x04\x01", area(64), 0, 0)
    + call(215, zone(2), pages(3)) + call(216, zone(0), pages(2), pages(9), 1)
    + call(LOAD, zone(1)),
    # a pipe, descriptors, names
    "names": b"\x01" + call(59, area(64), 0) + call(64, 1, area(0), 50) + call(63, 0, area(128), 50)
    + call(34, AT, D, 0o111) + call(56, AT, D_F, b"\x07" + struct.pack("<I", 0o102), 0o111)
    + call(36, UP, AT, G) + call(79, AT, G, area(256), 0) + call(78, AT, G, area(512), 99)
    + call(61, 2, area(512), 200) + call(49, D) + call(17, area(0), 99) + call(35, AT, F, 0)
    + call(23, 2) + call(24, 2, 9, 0) + call(25, 9, 3, 0) + call(73, area(64), 2, 0, 0, 8),
    # through a link that leads out of the root: open, cut, change its rights and its times
    "out": b"\x01" + call(56, AT, OUT, b"\x07" + struct.pack("<I", 0o1101), 0o111)
    + call(64, 0, area(0), 50) + call(46, 0, 9) + call(45, OUT, 3) + call(53, AT, OUT, 0o77)
    + call(54, AT, OUT, 1, 1, 0) + call(88, AT, OUT, 0, 0) + call(37, AT, OUT, AT, G, 0)
    + call(38, AT, OUT, AT, UP) + call(35, AT, OUT, 0),
    # signals to itself, an alarm, sleep
    "signals": b"\x02" + call(134, 10, area(64), area(128), 8) + call(135, 0, area(0), area(64), 8)
    + call(129, 1, 10) + call(103, 0, area(64), 0) + call(101, area(64), 0) + call(132, area(0), 0)
    + call(98, area(64), 0, 0, 0) + call(139),
    # threads and another program
    "exec": b"\x04" + call(220, b"\x07" + struct.pack("<I", 0x10f00), area(0x1000), 0, 0, 0)
    + call(178) + call(233, zone(0), pages(2), 4) + call(214, b"\x07" + struct.pack("<I", 0x20000))
    + call(STORE, b"\x07" + struct.pack("<I", 0x1f000), 1) + call(221, P, 0, 0),
}

if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, content in SEEDS.items():
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(content)
