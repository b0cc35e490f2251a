#!/usr/bin/env python3
"""Read a .pgt trace knowing nothing but docs/formats/pgt.md, and print one line a reference
("r 1f00 8": access, address and bytes) or event ("map 3 0 8000 4096 5 1": kind, address space,
child, address, bytes, prot, detail: of a map 1 anonymous, 2 a private file, 3 a shared one) or
request to a heap ("alloc 0 5010 24 0 0 1 7 1": kind, address space, address, bytes, alignment, the
address before, thread, site, call), and at the end one line a name ("site 1 main"). Needs the
command `zstd`."""
import struct
import subprocess
import sys

M64 = (1 << 64) - 1
P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
                      0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def rotl(x, n):
    return (x << n | x >> (64 - n)) & M64


def lane(acc, word):
    return rotl((acc + word * P2) & M64, 31) * P1 & M64


def xxh64(data):
    """XXH64 with seed 0, after its specification."""
    n, at = len(data), 0
    if n >= 32:
        acc = [(P1 + P2) & M64, P2, 0, -P1 & M64]
        while at + 32 <= n:
            acc = [lane(a, w) for a, w in zip(acc, struct.unpack_from('<4Q', data, at))]
            at += 32
        h = sum(rotl(a, r) for a, r in zip(acc, (1, 7, 12, 18))) & M64
        for a in acc:
            h = ((h ^ lane(0, a)) * P1 + P4) & M64
    else:
        h = P5
    h = (h + n) & M64
    while at + 8 <= n:
        h = (rotl(h ^ lane(0, struct.unpack_from('<Q', data, at)[0]), 27) * P1 + P4) & M64
        at += 8
    if at + 4 <= n:
        h = (rotl(h ^ struct.unpack_from('<I', data, at)[0] * P1 & M64, 23) * P2 + P3) & M64
        at += 4
    for byte in data[at:]:
        h = rotl(h ^ byte * P5 & M64, 11) * P1 & M64
    h = (h ^ h >> 33) * P2 & M64
    h = (h ^ h >> 29) * P3 & M64
    return h ^ h >> 32


def check(ok, what):
    if not ok:
        sys.exit('read_pgt: ' + what)


def sealed(record):
    return xxh64(record[:-8]) == struct.unpack('<Q', record[-8:])[0]


BLOCK = struct.Struct('<IIQIIIIIIIIIIIIIIQQQ')
NAMES = struct.Struct('<IIIIQQ')
INDEX, ENTRY, TAIL = struct.Struct('<IIQQ'), struct.Struct('<QQQ'), struct.Struct('<IIQQQQQQQ')
EVENT = struct.Struct('<IBBBBHHQQ')
EVENT_NAMES = ('map', 'unmap', 'protect', 'advise', 'fork', 'exec', 'exit', 'switch')
SAME, AGAIN, OWN1, NEAR1 = 0, 1, 2, 6
WIDTH = (0, 0, 1, 2, 4, 8, 1, 2, 4)


class Numbers:
    """Signed little-endian numbers of the widths that moves ask for."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def next(self, width):
        self.at += width
        return int.from_bytes(self.data[self.at - width:self.at], 'little', signed=True)


def fragments_of(kinds, lengths, refs, start_moves, starts, base):
    """Each fragment: its references as [access, bytes, address of a fetch or of the last run]."""
    end, at, fragments = 0, 0, []
    for length, move in zip(lengths, start_moves):
        end = (end + starts.next(WIDTH[move])) & M64
        fragment = []
        for kind in refs[at:at + length]:
            access, size = kinds[kind] & 3, kinds[kind] >> 2
            fragment.append([access, size, end if access == 2 else base])
            if access == 2:
                end = (end + size) & M64
        fragments.append((fragment, [0xffff, 0xffff]))
        at += length
    return fragments


class Requests:
    """What a block whose letters are PGTH has behind its first nine columns."""

    def __init__(self, part, events, asid):
        requests, *sizes = struct.unpack_from('<8I', part)
        plain = EVENT.size * (events - requests)
        at = 32 + events
        self.orders = list(part[32:at])
        self.events = list(EVENT.iter_unpack(part[at:at + plain]))
        at += plain
        self.columns = []
        for size in sizes:
            self.columns.append(iter(part[at:at + size]))
            at += size
        check(at == len(part), 'columns of requests and raw bytes differ')
        self.run = self.thread = self.taken = self.given = 0
        self.asid = asid
        self.ahead = None

    def number(self, column):
        value = shift = 0
        while True:
            byte = next(self.columns[column])
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def difference(self, column):
        value = self.number(column)
        return value >> 1 ^ -(value & 1)

    def request(self):
        """The line of the request that comes next, and its run."""
        order = self.orders.pop(0)
        kind, call, refused = order >> 4 & 3, order & 15, order >> 7
        self.run += self.number(0)
        self.thread += self.difference(1)
        site = self.number(2)
        size = self.number(3) if kind != 2 else 0
        align = self.number(4) if kind == 1 else 0
        given, va = self.given, 0
        if not refused and kind == 2:
            va = self.given = (self.given + self.difference(5)) & M64
        elif not refused:
            va = self.taken = (self.taken + self.difference(5)) & M64
        before = (given + self.difference(6)) & M64 if kind == 3 else 0
        return self.run, '%s %d %x %d %d %x %d %d %d' % (
            ('alloc', 'free', 'resize')[kind - 1], self.asid, va, size, align, before, self.thread,
            site, call)

    def plain(self):
        self.orders.pop(0)
        run, kind, prot, detail, _, asid, child, va, size = self.events.pop(0)
        if kind == 8:
            self.asid = asid
        return run, '%s %d %d %x %d %d %d' % (EVENT_NAMES[kind - 1], asid, child, va, size, prot,
                                              detail)

    def before(self, run):
        """Lines of the events that happen before a run."""
        while True:
            if self.ahead is None and self.orders:
                self.ahead = self.request() if self.orders[0] else self.plain()
            if self.ahead is None or self.ahead[0] != run:
                return
            yield self.ahead[1]
            self.ahead = None


def events_of(block, part):
    if block[0] == 0x48544750:
        return Requests(part, block[14], block[16])
    plain = struct.pack('<8I', *[0] * 8) + bytes(block[14]) + part
    return Requests(plain, block[14], block[16])


def read_block(block, raw, out):
    (_, _, _, nrefs, _, _, nkinds, nfragments, fragment_refs, start_bytes, runs, named, moves,
     move_bytes, _, _, _, base, _, _) = block
    at = 0
    columns = []
    for size in (2 * nkinds, nfragments, fragment_refs, nfragments, start_bytes, runs, 2 * named,
                 moves, move_bytes):
        columns.append(raw[at:at + size])
        at += size
    events = events_of(block, raw[at:])
    kinds = struct.unpack('<%dH' % nkinds, columns[0])
    fragments = fragments_of(kinds, columns[1], columns[2], columns[3], Numbers(columns[4]), base)
    names = iter(struct.unpack('<%dH' % named, columns[6]))
    move, numbers = iter(columns[7]), Numbers(columns[8])
    new, near, change, count = iter(range(nfragments)), base, 0, 0
    followers = [0xffff, 0xffff]
    for run in range(runs + 1):
        out.extend(events.before(run))
        if run == runs:
            break
        code = columns[5][run]
        number = followers[code] if code < 2 else next(new) if code == 2 else next(names)
        if code:
            followers[1], followers[0] = followers[0], number
        fragment, followers = fragments[number]
        for ref in fragment:
            if ref[0] != 2:
                how, own = next(move), ref[2]
                moved = change if how == AGAIN else numbers.next(WIDTH[how])
                near = ((near if how >= NEAR1 else own) + moved) & M64
                change = (near - own) & M64 or change
                ref[2] = near
            out.append('%s %x %d' % ('rwf'[ref[0]], ref[2], ref[1]))
            count += 1
    check(count == nrefs, 'a block does not hold the references its header names')


def read_trace(data):
    out = []
    magic, _, origin_bytes = struct.unpack_from('<4sII', data)
    at = 12 + origin_bytes + 8
    check(magic == b'PGT1' and sealed(data[:at]), 'torn file header')
    blocks = []
    while data[at:at + 4] in (b'PGTB', b'PGTH'):
        check(sealed(data[at:at + BLOCK.size]), 'torn block header')
        block = BLOCK.unpack_from(data, at)
        blocks.append((at, block[2], block[14]))
        stored = data[at + BLOCK.size:at + BLOCK.size + block[1]]
        check(xxh64(stored) == block[18], 'torn block')
        raw = subprocess.run(['zstd', '-dcq'], input=stored, stdout=subprocess.PIPE, check=True)
        read_block(block, raw.stdout, out)
        at += BLOCK.size + block[1]
    sites = []
    while data[at:at + 4] == b'PGTN':
        check(sealed(data[at:at + NAMES.size]), 'torn names')
        _, stored_bytes, names, raw_bytes, stored_hash, _ = NAMES.unpack_from(data, at)
        stored = data[at + NAMES.size:at + NAMES.size + stored_bytes]
        check(xxh64(stored) == stored_hash, 'torn names')
        raw = subprocess.run(['zstd', '-dcq'], input=stored, stdout=subprocess.PIPE, check=True)
        text = raw.stdout.split(b'\0')
        check(len(raw.stdout) == raw_bytes and len(text) == names + 1, 'names and bytes differ')
        sites += text[:-1]
        at += NAMES.size + stored_bytes
    out += ['site %d %s' % (i + 1, name.decode()) for i, name in enumerate(sites)]
    check_end(data, at, blocks)
    return out


def check_end(data, at, blocks):
    index_bytes = INDEX.size + ENTRY.size * len(blocks)
    check(data[at:at + 4] == b'PGTI' and sealed(data[at:at + INDEX.size]), 'torn index')
    tail = TAIL.unpack_from(data, len(data) - TAIL.size)
    check(sealed(data[-TAIL.size:]) and tail[1:3] == (len(blocks), at) and
          tail[7] == xxh64(data[at:at + index_bytes]) and
          at + index_bytes + TAIL.size == len(data), 'torn tail')
    events = 0
    for i, (offset, first, block_events) in enumerate(blocks):
        entry = ENTRY.unpack_from(data, at + INDEX.size + ENTRY.size * i)
        check(entry == (offset, first, events), 'an index entry is wrong')
        events += block_events


if __name__ == '__main__':
    with open(sys.argv[1], 'rb') as trace:
        print('\n'.join(read_trace(trace.read())))
