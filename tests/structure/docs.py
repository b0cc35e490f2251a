#!/usr/bin/env python3
"""docs.py - what the documents say exists.

 1. Each relative link of a Markdown file leads to a file or folder of the project, and its #part to
    a heading of that file.
 2. Each `./dev VERB` that a document names is a verb, and `./dev help`, the package table and the
    verb functions name the same ones.
 3. Each path of the project that a document names in `code` exists, if it begins with a folder of
    the project and has no placeholder (NAME, *, <...>).
"""
import os
import re
import subprocess
import sys

import tap

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.*?)\s*$", re.MULTILINE)
VERB = re.compile(r"\./dev +([a-z]+)")
FOLDERS = "src|include|tests|tools|docs|bench|machines|traces"
NAMED = re.compile(rf"`((?:{FOLDERS})/[\w./-]+)`")


def documents(root):
    own = [name for name in sorted(os.listdir(root)) if name.endswith(".md")]
    return own + [path for folder in FOLDERS.split("|")
                  for path in tap.files_under(root, folder, (".md",))]


def slug(heading):
    """The anchor that a heading gets: GitHub's rule."""
    heading = re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading).lower()
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


def anchors(path):
    return {slug(h) for h in HEADING.findall(FENCE.sub("", tap.read(path)))}


def links_broken(root):
    for path in documents(root):
        text = FENCE.sub("", tap.read(f"{root}/{path}"))
        for match in LINK.finditer(text):
            link = match[1] or match[2]
            if re.match(r"[a-z]+:", link):
                continue
            file, _, part = link.partition("#")
            target = os.path.normpath(os.path.join(root, os.path.dirname(path), file)) \
                if file else f"{root}/{path}"
            if not os.path.exists(target):
                yield f"{path}: {link} leads nowhere"
            elif part and target.endswith(".md") and part not in anchors(target):
                yield f"{path}: {link}: no such heading"


def paths_missing(root):
    for path in documents(root):
        for name in NAMED.findall(tap.read(f"{root}/{path}")):
            placeholder = re.search(r"[A-Z]{3}", name.replace("README", ""))
            if not placeholder and not os.path.exists(f"{root}/{name}"):
                yield f"{path}: there is no {name}"


def verbs(root):
    """What ./dev help names, what has a function, what has packages."""
    text = tap.read(f"{root}/dev")
    told = subprocess.run(["bash", f"{root}/dev", "help"], capture_output=True, text=True,
                          check=True).stdout
    table = text[text.index("declare -rA needs"):]
    return (set(re.findall(r"^  ([a-z]+) ", told, re.MULTILINE)),
            set(re.findall(r"^verb_([a-z]+)\(\)", text, re.MULTILINE)),
            set(re.findall(r"^    \[([a-z]+)\]=", table, re.MULTILINE)))


def verbs_unlike(root):
    told, written, packaged = verbs(root)
    yield from (f"./dev help does not name {v}" for v in sorted((written | packaged) - told))
    yield from (f"{v} has no function" for v in sorted((told | packaged) - written))
    yield from (f"{v} has no row of packages" for v in sorted((told | written) - packaged))
    for path in documents(root):
        for verb in VERB.findall(tap.read(f"{root}/{path}")):
            if verb not in told:
                yield f"{path}: ./dev {verb} is no verb"


CHECKS = {
    links_broken: "relative links of the documents lead somewhere",
    paths_missing: "paths named in the documents exist",
    verbs_unlike: "the verbs of ./dev are those of its help and of the documents",
}

PLANTED = [
    (links_broken, "docs/planted.md", "[x](nowhere.md)\n", "nowhere.md"),
    (links_broken, "docs/planted.md", "# A\n\n[x](#b)\n", "no such heading"),
    (links_broken, "README.md", "![x](docs/nowhere.svg)\n", "nowhere.svg"),
    (paths_missing, "docs/planted.md", "see `src/attic/x.c`\n", "src/attic/x.c"),
    (verbs_unlike, "docs/planted.md", "run `./dev dance`\n", "dance"),
    (verbs_unlike, "dev", "\nverb_sing() {\n    :\n}\n", "sing"),
]
INNOCENT = [
    (links_broken, "docs/planted.md", "# A `b` c\n\n[x](#a-b-c) [y](planted.md#a-b-c) [z](x:y)\n"),
    (paths_missing, "docs/planted.md", "see `tests/unit/NAME.c`\n"),
]


def main():
    t = tap.Tap()
    for check, name in CHECKS.items():
        t.none(check(tap.ROOT), name)
    with tap.Copy("dev") as copy:
        for check, path, text, word in PLANTED:
            undo = copy.plant(path, text)
            t.found(check(copy.root), [word], f"{check.__name__} finds {word}")
            undo()
        for check, path, text in INNOCENT:
            undo = copy.plant(path, text)
            t.none(check(copy.root), f"{check.__name__} lets through what is right")
            undo()
    t.finish()


if __name__ == "__main__":
    sys.exit(main())
