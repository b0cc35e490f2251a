"""tap.py - tests in Python: says in TAP what was found; each finding is a diagnostic."""
import os
import shutil
import sys
import tempfile

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


class Tap:
    """Counts the tests of one program and says its plan at the end."""

    def __init__(self):
        self.count = self.failed = 0

    def ok(self, held, name, notes=()):
        self.count += 1
        self.failed += not held
        print(f"{'ok' if held else 'not ok'} {self.count} - {name}")
        for note in [] if held else notes:
            print(f"# {note}")

    def none(self, findings, name):
        """Holds if nothing was found."""
        findings = list(findings)
        self.ok(not findings, name, findings)

    def found(self, findings, words, name):
        """Holds if some finding has all the words: how a check proves that it can fail."""
        findings = list(findings)
        hit = any(all(word in finding for word in words) for finding in findings)
        self.ok(hit, name, findings or ["nothing was found"])

    def finish(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed or not self.count else 0)


class Copy:
    """A copy of some folders of the project to plant mistakes in, gone at the end of `with`."""

    def __init__(self, *parts):
        self.parts = parts

    def __enter__(self):
        self.root = tempfile.mkdtemp(prefix="pagoda-test.")
        for part in self.parts:
            here, there = os.path.join(ROOT, part), os.path.join(self.root, part)
            if os.path.isdir(here):
                shutil.copytree(here, there)
            elif os.path.exists(here):
                os.makedirs(os.path.dirname(there), exist_ok=True)
                shutil.copy(here, there)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root)

    def plant(self, path, text):
        """Add text at the end of a file of the copy; returns what takes it away again."""
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        old = read(path) if os.path.exists(path) else None
        write(path, (old or "") + text)
        return lambda: write(path, old) if old is not None else os.remove(path)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def files_under(root, folder, endings):
    """Paths, relative to root, of the files in a folder whose names end so; sorted."""
    out = []
    for where, _, names in os.walk(os.path.join(root, folder)):
        out += [os.path.relpath(os.path.join(where, n), root) for n in names if n.endswith(endings)]
    return sorted(out)
