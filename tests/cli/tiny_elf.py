#!/usr/bin/env python3
"""tiny_elf.py FILE [WORD ...] - write a static RISC-V program of the given instruction words (hex).

Without words: addi a0, zero, 3; addi a7, zero, 93; ecall: exit(3). So tests of `pagoda run` that
need no more than that need no compiler.
"""
import struct
import sys

WORDS = sys.argv[2:] or ["00300513", "05d00893", "00000073"]
BASE = 0x10000
code = b"".join(struct.pack("<I", int(word, 16)) for word in WORDS)
size = 64 + 56 + len(code)
head = struct.pack("<4sBBBBB7xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 0, 2, 243, 1, BASE + 120,
                   64, 0, 0, 64, 56, 1, 0, 0, 0)
segment = struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 4096)
with open(sys.argv[1], "wb") as out:
    out.write(head + segment + code)
