#!/usr/bin/env python3
"""tally.py - count what the tests did, from the logs that `meson test` writes.

    tally.py [--broke PART]... TESTLOG.JSON...

A test program speaks TAP: a plan "1..N", then "ok" or "not ok" for each test function. What each
program printed is in Meson's testlog.json, one JSON object a line. Failures are shown with their
diagnostics; the last line is "N passed, N failed", with ", N skipped" where some were.

Counting
 1. Each "ok" passes, each "not ok" fails, each of either that is marked "# SKIP" is skipped.
 2. A program that did not end as its lines say (killed, timed out, fewer lines than planned, no
    lines at all, a nonzero status without a "not ok") adds one failure.
 3. Each PART (something that could not be built or run) is one failure.
 4. Exit status 0 only if something passed and nothing failed.
"""
import argparse
import json
import re
import sys

LINE = re.compile(r"(not )?ok\b(?:\s+\d+)?\s*(?:-\s*)?(.*)")
SKIP = re.compile(r"#\s*skip\b\s*(.*)", re.IGNORECASE)
PLAN = re.compile(r"1\.\.(\d+)(.*)")


class Program:
    """What one test program said, and whether it ended as it said."""

    def __init__(self, run):
        self.name = run["name"].split(" / ")[-1]
        self.passed, self.failed, self.skipped = 0, [], 0
        self.planned, self.seen, self.bailed = None, 0, False
        for line in run.get("stdout", "").splitlines():
            self.read(line)
        self.stderr = run.get("stderr", "")
        ending = self.ending(run)
        if ending:
            self.failed.append((ending, self.stderr.splitlines()[-30:]))

    def read(self, line):
        test, plan = LINE.match(line), PLAN.match(line)
        if test:
            self.seen += 1
            if SKIP.search(test[2]):
                self.skipped += 1
            elif test[1]:
                self.failed.append((test[2] or f"test {self.seen}", []))
            else:
                self.passed += 1
        elif plan:
            self.planned = int(plan[1])
            self.skipped += self.planned == 0 and SKIP.search(plan[2]) is not None
        elif line.startswith("Bail out!"):
            self.bailed = True
        elif line.startswith("#") and self.failed and not line.startswith("# not ok"):
            self.failed[-1][1].append(line[1:].strip())

    def ending(self, run):
        """How the program ended, if not as its lines say; else None."""
        status = run.get("returncode", 0)
        if run["result"] == "TIMEOUT":
            return "(took too long and was stopped)"
        if status < 0:
            return f"(killed by signal {-status})"
        if self.bailed:
            return "(gave up)"
        if self.planned is None or self.seen < self.planned:
            return f"(ran {self.seen} of {self.planned} planned tests, status {status})"
        if self.planned == 0 and not self.skipped:
            return "(has no tests)"
        if status != 0 and not self.failed:
            return f"(failed with status {status}, yet no test did)"
        return None


def runs_of(path):
    with open(path, encoding="utf-8", errors="replace") as log:
        return [json.loads(line) for line in log if line.strip()]


def show(build, program):
    for what, lines in program.failed:
        print(f"FAILED {build}: {program.name}: {what}")
        for line in lines:
            print(f"       {line}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--broke", metavar="PART", action="append", default=[])
    options.add_argument("log", nargs="*")
    options = options.parse_args()
    passed = failed = skipped = 0
    for log in options.log:
        for run in runs_of(log):
            program = Program(run)
            show(log.split("/")[0], program)
            passed += program.passed
            failed += len(program.failed)
            skipped += program.skipped
    for part in options.broke:
        print(f"FAILED to run {part}: see above")
        failed += 1
    if passed + failed == 0:
        print("no tests ran")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
