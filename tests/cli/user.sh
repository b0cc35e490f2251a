# shellcheck shell=bash
# user.sh - sourced by tests of the program instead of tap.sh, which it brings: small traces of
# every format, and what every refusal must be like.
# shellcheck disable=SC2154 # status, out and err are tap.sh's
. "${BASH_SOURCE[0]%/*}/tap.sh"

# refused STATUS REGEX NAME COMMAND...: it fails with that status, says one `pagoda: ` line that the
# regular expression matches (and perhaps a hint), nothing else, and leaves no file behind.
refused() {
    local want=$1 regex=$2 name=$3 before after why=0
    shift 3
    before=$(ls -A -I .out -I .err)
    run "$@"
    after=$(ls -A -I .out -I .err)
    ((status == want)) || why=1
    grep -qE -e "$regex" <<<"$err" || why=2
    [[ $(grep -c '^pagoda: ' <<<"$err") == 1 ]] || why=3
    grep -qvE '^(pagoda|hint): ' <<<"$err" && why=4
    [[ -z $out ]] || why=5
    [[ $before == "$after" ]] || why=6
    tap_line "$why" "$name" "check $why of 1 status ($status, wanted $want), 2 message ($regex)," \
        "3 one line of it, 4 nothing but hints beside it, 5 no output, 6 no file left" \
        "it said:" "$out" "$err"
}

# hinted HINT: what the hint of the last refusal says.
hinted() {
    like "$err" "^hint: .*$1" "with the hint: $1"
}

# member FILE EXPRESSION: a Python expression over the JSON document r.
member() {
    python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$1" "$2"
}

# samples: in samples/, one tiny trace a format, named FORMAT.trace: two pages, four references.
samples() {
    mkdir -p samples
    printf 'I  00400000,4\n S 00600000,8\n L 00600008,8\nI  00400004,4\n' >samples/lackey.trace
    printf '0x4000%s\n' '00: W 0x600000' '04: R 0x600008' '08: R 0x400000' '0c: R 0x600000' \
        >samples/pin.trace
    printf '2 400000\n1 600000\n0 600008\n2 400004\n' >samples/din.trace
    printf 'I 400000\nW 600000\nR 600008\nI 400004\n' >samples/rwi.trace
    printf '%s\n' time,address,access,size 1,0x400000,I,4 2,0x600000,W,8 3,0x600008,R,8 \
        4,0x400004,I,4 \
        >samples/csv.trace
    printf '%s\n' request,call,address,bytes,align,from,thread,site \
        alloc,malloc,0x10,24,0,0,1,here free,free,0x10,0,0,0,1,there >samples/requests.trace
    printf '1024\n1536\n1536\n1024\n' >samples/pages.trace
    python3 - <<'PYTHON'
from struct import pack
def write(name, *records):
    open("samples/%s.trace" % name, "wb").write(b"".join(records))
write("drmemtrace", *[pack("<HHQ", *r) for r in (
    (25, 0, 4), (22, 0, 77), (24, 0, 77), (10, 4, 0x400000), (1, 8, 0x600000), (0, 8, 0x600008),
    (10, 4, 0x400004), (26, 0, 0))])
write("oracle", *[pack("<IQIq", *r) for r in (
    (1, 900, 64, 4), (2, 901, 64, 3), (3, 901, 64, -1), (4, 900, 64, -1))])
write("champsim", pack("<QBB2s4s2Q4Q", 0x400000, 0, 0, b"", b"", 0x600000, 0, 0x600008, 0, 0, 0),
      pack("<QBB2s4s2Q4Q", 0x400004, 0, 0, b"", b"", 0, 0, 0, 0, 0, 0))
write("cloudsuite", *[pack("<QBB4s4s6x4Q4Q2B6x", ip, 0, 0, b"", b"", w, 0, 0, 0, r, 0, 0, 0, 0, 0)
      for ip, w, r in ((0x400000, 0x600000, 0x600008), (0x400004, 0, 0))])
PYTHON
    "$PAGODA" convert samples/lackey.trace -o samples/pgt.trace 2>/dev/null
}

# spaces SPACE:ADDRESS...: on standard output a trace of fetches (not of address 0), in the format
# cloudsuite.
spaces() {
    python3 - "$@" <<'PYTHON'
import struct, sys
for word in sys.argv[1:]:
    space, va = word.split(":")
    sys.stdout.buffer.write(struct.pack("<Q80x2B6x", int(va, 0), int(space), 0))
PYTHON
}
