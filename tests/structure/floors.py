#!/usr/bin/env python3
"""floors.py - the rooms of the library keep to the floors that docs/architecture.md gives them.

The table there (room | floor | public headers | what) is the law; this program reads it.

 1. An #include leads to the same room or to a lower floor.
 2. Each room of the table has a folder in src/, each folder and each public header a room.
 3. Only cli/ has main, ends the process, or writes to its standard streams.
 4. Up to floor 3, outside base/, only the C library's portable headers and the named libraries are
    included: no POSIX, no threads, so that the rooms compile anywhere.
 5. Each public header compiles alone, and twice.
 6. No object of the library has a variable that can change ($PAGODA_LIBRARY: where it is built),
    but for what the process has one of: its action for a signal.

Each check is then run on a copy with a planted mistake, which it must find.
"""
import os
import re
import subprocess
import sys
import tempfile

import tap

ROW = re.compile(r"^\| *`?(\w+)/?`? *\| *F?(\d+) *\| *([^|]*)\|", re.MULTILINE)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENTS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
USER = re.compile(r"\b(main|_?exit|quick_exit|atexit|v?printf|puts|putchar|perror)\s*\("
                  r"|\b(stdout|stderr|stdin)\b")

# ISO C without its threads, signals and locales; and strings.h, which every C library has.
PORTABLE = {f"{name}.h" for name in (
    "assert ctype errno fenv float inttypes limits math stdalign stdarg stdbool stddef stdint "
    "stdio stdlib stdnoreturn string strings time").split()}
LIBRARIES = {"ini.h", "jansson.h", "xxhash.h", "zstd.h", "lzma.h", "zlib.h", "zip.h"}
PORTABLE_FLOOR = 3

# object: the variable that it may have, for the host's kernel has one of the kind in a process.
OF_THE_PROCESS = {"live_signals.c.o": "process"}


class House:
    """The table of rooms, and the C sources below `root`."""

    def __init__(self, root):
        self.root, self.floor, self.header = root, {}, {}
        for room, floor, headers in ROW.findall(tap.read(f"{root}/docs/architecture.md")):
            self.floor[room] = int(floor)
            for header in re.findall(r"\w+\.h", headers):
                self.header[header] = room
        self.sources = tap.files_under(root, "src", (".c", ".h", ".def"))
        self.public = tap.files_under(root, "include/pagoda", (".h",))

    def room_of(self, path):
        if path.startswith("include/pagoda/"):
            return self.header.get(os.path.basename(path))
        parts = path.split("/")
        return parts[1] if len(parts) > 2 else None

    def includes(self, path):
        """(line number, is it <...>, name) of each #include."""
        text = tap.read(f"{self.root}/{path}")
        for match in INCLUDE.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, match[1] == "<", match[2]

    def target(self, path, angled, name):
        """The room that an include leads to; None: a system header; "": nowhere known."""
        if angled and name.startswith("pagoda/"):
            return self.header.get(name[len("pagoda/"):], "")
        if angled:
            return None
        if path.startswith("include/"):
            return ""
        if name.endswith(".inc.h") and "/" not in name:
            return self.room_of(path)  # made by the build, for the room whose folder it is made in
        return name.split("/")[0] if "/" in name else ""


def includes_upward(house):
    for path in house.sources + house.public:
        room = house.room_of(path)
        for line, angled, name in house.includes(path):
            target = house.target(path, angled, name)
            if target is None or target == room:
                continue
            if target not in house.floor:
                yield f"{path}:{line}: {name} is in no room (write <pagoda/X.h> or \"room/x.h\")"
            elif house.floor[target] >= house.floor.get(room, 0):
                yield (f"{path}:{line}: {room} (floor {house.floor.get(room)}) includes {name} of "
                       f"{target} (floor {house.floor[target]})")


def rooms_unknown(house):
    folders = {path.split("/")[1] for path in house.sources if path.count("/") > 1}
    yield from (f"src/{room}/ is not in the table" for room in sorted(folders - set(house.floor)))
    yield from (f"{room} is in the table, but there is no src/{room}/"
                for room in sorted(set(house.floor) - folders))
    yield from (f"{path} belongs to no room of the table"
                for path in house.public if not house.room_of(path))
    present = {os.path.basename(path) for path in house.public}
    yield from (f"{header} is in the table, but not in include/pagoda/"
                for header in sorted(set(house.header) - present))


def blank(text):
    """The code without comments and texts; its lines keep their numbers."""
    return COMMENTS.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def users_told(house):
    for path in house.sources:
        if house.room_of(path) == "cli":
            continue
        for number, line in enumerate(blank(tap.read(f"{house.root}/{path}")).split("\n"), 1):
            match = USER.search(line)
            if match:
                yield f"{path}:{number}: {(match[1] or match[2])} belongs to cli/"


def headers_foreign(house):
    for path in house.sources + house.public:
        room = house.room_of(path)
        if room == "base" or house.floor.get(room, 0) > PORTABLE_FLOOR:
            continue
        for line, angled, name in house.includes(path):
            system = angled and not name.startswith("pagoda/")
            if system and name not in PORTABLE | LIBRARIES:
                yield f"{path}:{line}: <{name}> is not portable; base/ wraps what the host offers"


def headers_dependent(house):
    for path in house.public:
        name = path[len("include/"):]
        ran = subprocess.run(
            ["cc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c",
             f"-I{house.root}/include", "-"],
            input=f"#include <{name}>\n#include <{name}>\n", capture_output=True, text=True,
            check=False)
        if ran.returncode:
            yield f"{path} does not compile alone: {ran.stderr.splitlines()[0]}"


def variables(objects):
    """Symbols of an object or library in sections that are written while a program runs."""
    dump = subprocess.run(["objdump", "-t", objects], capture_output=True, text=True, check=True)
    where = objects
    for line in dump.stdout.splitlines():
        if "file format" in line:
            where = os.path.basename(line.split(":")[0])
        match = re.match(r"[0-9a-f]+ .{7} (\*COM\*|\.t?data\S*|\.t?bss\S*)\t[0-9a-f]+ +(.*)", line)
        if match and OF_THE_PROCESS.get(where) == match[2].split()[-1]:
            continue
        if match and not match[1].startswith(".data.rel.ro") and not match[2].startswith("."):
            yield f"{where}: {match[2]} can change (it is in {match[1]})"


def check_house(t):
    house = House(tap.ROOT)
    t.ok(len(house.floor) > 1, "docs/architecture.md has the table of rooms")
    t.none(includes_upward(house), "rooms include only lower floors")
    t.none(rooms_unknown(house), "rooms, folders and public headers are those of the table")
    t.none(users_told(house), "only cli/ ends the process and uses its standard streams")
    t.none(headers_foreign(house), "floors 0 to 3 are portable outside base/")
    t.none(headers_dependent(house), "each public header compiles alone")
    if "PAGODA_LIBRARY" in os.environ:
        t.none(variables(os.environ["PAGODA_LIBRARY"]), "no object has a variable that can change")


PLANTED = [
    # a check, the file, what is planted, words of the finding
    (includes_upward, "src/base/planted.c", '#include "policy/x.h"\n', ["base", "policy"]),
    (includes_upward, "src/policy/planted.c", "#include <pagoda/scheme.h>\n", ["policy", "scheme"]),
    (includes_upward, "src/trace/deep/planted.c", "#include <pagoda/device.h>\n", ["device"]),
    (includes_upward, "include/pagoda/types.h", "#include <pagoda/policy.h>\n", ["types.h"]),
    (includes_upward, "src/policy/planted.c", '#include "planted.h"\n', ["no room"]),
    (rooms_unknown, "src/attic/planted.c", "", ["src/attic/"]),
    (rooms_unknown, "include/pagoda/attic.h", "", ["attic.h"]),
    (rooms_unknown, "docs/architecture.md", "\n| cellar | 0 | | |\n", ["cellar"]),
    (users_told, "src/scheme/planted.c", 'void f(void)\n{\n    printf("x");\n}\n', [":3: printf"]),
    (users_told, "src/trace/planted.c", "FILE *f = stderr;\n", ["stderr"]),
    (users_told, "src/device/planted.c", "int main(void)\n", ["main"]),
    (headers_foreign, "src/trace/planted.c", "#include <unistd.h>\n", ["unistd.h"]),
    (headers_foreign, "src/policy/planted.c", "#  include <sys/mman.h>\n", ["sys/mman.h"]),
    (headers_foreign, "src/device/planted.c", "#include <pthread.h>\n", ["pthread.h"]),
    (headers_dependent, "include/pagoda/error.h", "struct vm_unknown vm_planted;\n", ["error.h"]),
]


def check_checks(t):
    with tap.Copy("src", "include", "docs/architecture.md") as copy:
        for check, path, text, words in PLANTED:
            undo = copy.plant(path, text)
            t.found(check(House(copy.root)), words, f"{check.__name__} finds {words[-1]} in {path}")
            undo()
    # Words in comments and texts are no code.
    t.ok(not USER.search(blank('/* main() */ f("exit()"); // stderr')), "comments may name exit()")
    with tempfile.TemporaryDirectory() as folder:
        tap.write(f"{folder}/x.c", "static int hidden; int shown = 1; _Thread_local int own;\n"
                  "const int fixed = 1; extern int far; int *const fast = &far;\n"
                  "int next(void) { static int kept; return kept++ + hidden++; }\n")
        subprocess.run(["cc", "-O2", "-c", f"{folder}/x.c", "-o", f"{folder}/x.o"], check=True)
        found = list(variables(f"{folder}/x.o"))
    for name in ["hidden", "shown", "own", "kept"]:
        t.found(found, [name], f"variables finds {name}")
    t.none([f for f in found if "fixed" in f or "fast" in f], "constants are not variables")


def main():
    t = tap.Tap()
    check_house(t)
    check_checks(t)
    t.finish()


if __name__ == "__main__":
    sys.exit(main())
