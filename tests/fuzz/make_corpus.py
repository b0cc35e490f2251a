#!/usr/bin/env python3
"""Write the seeds of the trace fuzzer: make_corpus.py DIRECTORY.

One small file a format and compressor, each behind the byte with which fuzz_trace.c chooses the
format: 63 (none, found by content) here, so that the seeds stay right when rows are added.
"""
import gzip
import io
import lzma
import os
import struct
import sys
import zipfile

LACKEY = b"""==12== Lackey, an example Valgrind tool
I  0401ab70,3
 L 1fff000638,8
 S 1fff000640,4
 M 04020000,16
SYSCALL[12,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x4035000)\x20
SYSCALL[12,1](12) sys_brk ( 0x4056000 ) --> [pre-success] Success(0x4056000)\x20
SYSCALL[12,1](9) sys_mmap ( 0x0, 40960, 1, 34, 4294967295, 0 ) \
--> [pre-success] Success(0x483c000)\x20
SYSCALL[12,1](10) sys_mprotect ( 0x483d000, 4096, 3 )[sync] --> Success(0x0)\x20
SYSCALL[12,1](25) sys_mremap ( 0x483c000, 40960, 1048576, 0x1 ) \
--> [pre-success] Success(0x622f000)\x20
SYSCALL[12,2](28) sys_madvise ( 0x4a2c000, 8368128, 4 ) --> [async] ...\x20
SYSCALL[12,2](28) ... [async] --> Success(0x0)\x20
SYSCALL[12,1](56) sys_clone ( 3d0f00 ) --> [pre-success] Success(0x15f4) I  0494fb42,3
SYSCALL[12,1](11) sys_munmap ( 0x483c000, 43815 )[sync] --> Success(0x0)\x20
SYSCALL[12,1](59) sys_execve ( 0x1f(./b), 0x1f )==12== Lackey, an example Valgrind tool
I  0401ab70,3
"""


def drmemtrace():
    records = [(25, 0, 5), (28, 12, 5), (22, 0, 77), (24, 0, 70), (47, 5, 0x90), (10, 5, 0x401000),
               (0, 8, 0x7FFE10), (48, 2, 0x401005), (1, 4, 0x7FFE20), (29, 2, 0x401005),
               (17, 2, 0x0403), (30, 2, 0x1000), (24, 0, 71), (16, 1, 0x500000), (26, 0, 0)]
    return b"".join(struct.pack("<HHQ", *r) for r in records)


def champsim():
    return b"".join(struct.pack("<Q8B2Q4Q", 0x401000 + 4 * i, i & 1, 0, 0, 0, 0, 0, 0, 0,
                                0x602000 * (i & 1), 0, 0x7FFE1000, 0, 0, 0) for i in range(4))


def cloudsuite():
    return b"".join(struct.pack("<Q10B6x4Q4Q2B6x", 0x401000 + 4 * i, i & 1, 0, *[0] * 8,
                                0x602000, 0, 0, 0, 0x7FFE1000, 0, 0, 0, i & 2, 0) for i in range(4))


def oracle():
    return b"".join(struct.pack("<IQIq", 10 + i, 0xDEADBEEF * (i % 3), 4096, i + 3 if i < 3 else -1)
                    for i in range(6))


def zipped(*members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, member in enumerate(members):
            archive.writestr(zipfile.ZipInfo("chunk.%04d" % i), member)
    return out.getvalue()


SEEDS = {
    "lackey": LACKEY,
    "pin": b"0x401ab70: R 0x7ffd3c2e8b40\n0x401ab75: W 0x602010\n#eof\n",
    "din": b"2 400190\n0 1000F0\n1 7fff00a0\n3 0\n",
    "rwi": b"# comment\nR 0041f7a0\nw 0x13f5e2c0\n\nI 401000\n05e78900 R\n",
    "csv": b'time,address,access,size\n1,0x1000,R,8\n2,8192,write,4\n3,"0x3000",i,1\n',
    "requests": b"request,call,address,bytes,align,from,thread,site\n"
                b"alloc,malloc,0x5010,24,0,0,1,here\nresize,realloc,0x6000,48,0,0x5010,1,there\n"
                b"free,free,24576,0,0,0,2,here\nexec,unknown,0,0,0,0,0,\n",
    "pages": b"# a reference string\n7\n0x1f # twice\n\n  12  \n",
    "drmemtrace": drmemtrace(),
    "champsim": champsim(),
    "cloudsuite": cloudsuite(),
    "oracle": oracle(),
    "drmemtrace.zip": zipped(drmemtrace()[:96], drmemtrace()[96:]),
    "champsim.xz": lzma.compress(champsim()),
    "rwi.gz": gzip.compress(b"R 1\nW 2\n", mtime=0),
}

if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, content in SEEDS.items():
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(b"\x3f" + content)
