#!/usr/bin/env python3
"""house.py - the rules of docs/style.md that need no parser, over all text files of the project.

 1. Code: lines to 100 columns, files to 800 lines, functions to 70. A longer function says why
    in a comment right above it that begins with "long:".
 2. Code: no notes of work to be done; issues plan.
 3. Every text: no tabs, no blanks at a line's end, a newline at the file's end.
 4. Every text: no path of somebody's machine.
 5. File names have no blanks.

Recorded inputs and outputs (traces, corpora, golden texts) are as they are.
"""
import os
import re
import sys

import tap

CODE = (".c", ".h", ".def", ".sh", ".py", ".build")
TEXT = CODE + (".md", ".ini", ".txt", ".1", ".5", ".7")
SCRIPTS = ("dev", ".ci/run")
RECORDED = ("tests/golden/data/", "tests/fuzz/corpus/", "traces/")
LINE_MAX, FILE_MAX, FUNCTION_MAX = 100, 800, 70

PLANS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
# Not /usr, /proc, /dev: those are every machine's. Nor a template for mkdtemp.
MACHINE = re.compile(r"(?<![\w.$}>*-])/(?:home|root|Users|work|mnt|srv|tm" r"p)/(?!\S*X{6})[\w.]")


def texts(root):
    for folder, inner, names in os.walk(root):
        inner[:] = [d for d in inner if not (folder == root and d.startswith("build"))
                    and d not in (".git", "fuzz-out", "__pycache__")]
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), root)
            if path.startswith(RECORDED) or os.path.islink(os.path.join(root, path)):
                continue
            if path.endswith(TEXT) or path in SCRIPTS:
                yield path


def is_code(path):
    return path.endswith(CODE) or path in SCRIPTS


def lines_long(path, lines):
    for number, line in enumerate(lines, 1):
        if is_code(path) and len(line) > LINE_MAX:
            yield f"{path}:{number}: {len(line)} columns"


def files_long(path, lines):
    if is_code(path) and len(lines) > FILE_MAX:
        yield f"{path}: {len(lines)} lines"


def functions_long(path, lines):
    """As .clang-format lays C out, and as scripts are: a body ends at the brace in column 0."""
    if not path.endswith((".c", ".h", ".sh")) and path not in SCRIPTS:
        return
    begin = None
    for number, line in enumerate(lines, 1):
        if line == "{" or re.match(r"\w+\(\) \{", line):
            begin = number
        elif line == "}" and begin:
            above = "\n".join(lines[max(0, begin - 6):begin])
            if number - begin + 1 > FUNCTION_MAX and not re.search(r"(/\*|\*|#) long: ", above):
                yield f"{path}:{begin}: a function of {number - begin + 1} lines"
            begin = None


def plans(path, lines):
    for number, line in enumerate(lines, 1):
        if is_code(path) and PLANS.search(line):
            yield f"{path}:{number}: {PLANS.search(line)[0]}"


def blanks(path, lines):
    for number, line in enumerate(lines, 1):
        if "\t" in line or "\r" in line:
            yield f"{path}:{number}: a tab or carriage return"
        if line != line.rstrip():
            yield f"{path}:{number}: blanks at the end"
    if lines and lines[-1] == "":
        yield f"{path}: an empty line at the end"


def machines(path, lines):
    for number, line in enumerate(lines, 1):
        if MACHINE.search(line):
            yield f"{path}:{number}: a path of one machine: {line.strip()}"


def names(path, lines):
    del lines
    if " " in path:
        yield f"{path}: a blank in the name"


RULES = {
    lines_long: f"lines have at most {LINE_MAX} columns",
    files_long: f"files have at most {FILE_MAX} lines",
    functions_long: f"functions have at most {FUNCTION_MAX} lines, or say why",
    plans: "the code has no notes of work to be done",
    blanks: "no tabs, no blanks at the end",
    machines: "no path of one machine",
    names: "no blanks in file names",
}

BODY = "    x++;\n" * FUNCTION_MAX
PLANTED = [
    (lines_long, "src/planted.c", "x" * 101 + "\n"),
    (lines_long, "tests/planted.sh", "# " + "x" * 99 + "\n"),
    (files_long, "src/planted.c", "x\n" * 801),
    (functions_long, "src/planted.c", "void f(void)\n{\n" + BODY + "}\n"),
    (functions_long, "dev", "f() {\n" + BODY + "}\n"),
    (plans, "src/planted.h", "/* TO" "DO: more */\n"),
    (blanks, "src/planted.c", "\tint x;\n"),
    (blanks, "docs/planted.md", "text \n"),
    (machines, "docs/planted.md", "see /ho" "me/me/x.c\n"),
    (machines, "tests/planted.sh", "cat '/tm" "p/x'\n"),
    (names, "tests/pla nted.sh", ":\n"),
]
INNOCENT = [
    (functions_long, "src/planted.c", "/* long: cases. */\nvoid f(void)\n{\n" + BODY + "}\n"),
    (machines, "src/planted.c", f'char t[] = "/tm' f'p/x-{6 * "X"}";\n'),
    (machines, "docs/planted.md", "src/home/x, https://x.org/home/y, ${HOME}/tmp/z\n"),
]


def broken(rule, root):
    for path in sorted(texts(root)):
        text = tap.read(f"{root}/{path}")
        yield from rule(path, text[:-1].split("\n") if text.endswith("\n") else text.split("\n"))


def unended(root):
    for path in sorted(texts(root)):
        text = tap.read(f"{root}/{path}")
        if text and not text.endswith("\n"):
            yield f"{path}: no newline at the end"


def main():
    t = tap.Tap()
    for rule, name in RULES.items():
        t.none(broken(rule, tap.ROOT), name)
    t.none(unended(tap.ROOT), "texts end with a newline")
    with tap.Copy() as copy:
        for rule, path, text in PLANTED:
            undo = copy.plant(path, text)
            t.found(broken(rule, copy.root), [path], f"{rule.__name__} finds it in {path}")
            undo()
        for rule, path, text in INNOCENT:
            undo = copy.plant(path, text)
            t.none(broken(rule, copy.root), f"{rule.__name__} lets through what is right")
            undo()
        copy.plant("docs/planted.md", "text")
        t.found(unended(copy.root), ["docs/planted.md"], "unended finds a last line without end")
    t.finish()


if __name__ == "__main__":
    sys.exit(main())
