"""terminal.py PAGODA ROOT - a shell of busybox at a terminal, as a person uses it. Prints TAP.

A pseudo-terminal is the host's terminal of `pagoda run`; what a person would see is searched for
what must be there, after each line that is typed. Nothing waits for a fixed time.
"""
import os
import pty
import re
import select
import sys
import time

PATIENCE_S = 20


class Session:
    """A program at a pseudo-terminal, and all that it has shown since the last look."""

    def __init__(self, argv):
        self.shown = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(argv[0], argv)

    def type(self, text):
        self.shown = ""
        os.write(self.fd, text.encode())

    def shows(self, regex):
        """Whether it comes to show a text that matches."""
        end = time.monotonic() + PATIENCE_S
        while not re.search(regex, self.shown):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return False
            try:
                self.shown += os.read(self.fd, 4096).decode(errors="replace")
            except OSError:  # the program has ended
                return bool(re.search(regex, self.shown))
        return True

    def status(self):
        """How it ended; if it does not, it is made to."""
        self.shows("(?!)")
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            time.sleep(1)
            os.kill(self.pid, 9)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def ok(self, holds, name, shown):
        self.n += 1
        self.failed += not holds
        print(f"{'ok' if holds else 'not ok'} {self.n} - {name}", flush=True)
        if not holds:
            print(f"# it showed: {shown!r}", flush=True)


def main(pagoda, root):
    tap = Tap()
    run = [pagoda, "run", "--model", "none", "--root", root, "--"]
    shell = Session(run + ["/bin/busybox", "sh"])

    def typed(text, regex, name):
        shell.type(text)
        tap.ok(shell.shows(regex), name, shell.shown)

    tap.ok(shell.shows(r"[#$] $"), "a prompt", shell.shown)
    typed("echo $((6*7))\n", r"\r\n42\r\n.*[#$] ", "a command, echoed and done")
    typed("echo onr\b\bne\n", r"\r\none\r\n.*[#$] ", "a line is edited")
    typed("\x1b[A\n", r"\r\none\r\n.*[#$] ", "the arrow brings the last line back")
    # A key that comes while the shell still edits is a character to it: so what runs says so first.
    typed("echo ru''n; while :; do :; done\n", r"run\r\n", "a command that does not end")
    typed("\x03", r"[#$] ", "Ctrl-C ends it, and the shell is there")
    typed("echo ru''n; cat\n", r"run\r\n", "a program that reads the terminal")
    typed("a line\n", r"a line\r\na line\r\n", "it gets lines")
    typed("\x03", r"[#$] ", "Ctrl-C ends it while it waits")
    typed("echo $?\n", r"\r\n130\r\n", "by SIGINT")
    typed("echo ru''n; cat\n", r"run\r\n", "again")
    typed("\x1a", r"Stopped", "Ctrl-Z stops it")
    typed("kill %1; fg\n", r"(?s)fg.*[#$] ", "and the shell goes on with it")
    # While the shell sleeps, others run for sure.
    typed("cat & sleep 1\n", r"Stopped \(tty input\)", "the background does not read")
    typed("kill -9 %1; sleep 1\n", r"Killed", "but can be ended, and the shell tells of it")
    typed("exit 5\n", r"exit 5", "and leaves")
    tap.ok(shell.status() == 5, "with its status", shell.shown)

    alone = Session(run + ["/bin/busybox", "cat"])
    alone.type("x\n")
    tap.ok(alone.shows(r"x\r\nx\r\n"), "one program at a terminal", alone.shown)
    alone.type("\x1a")
    alone.type("still\n")
    tap.ok(alone.shows(r"still\r\n(still\r\n)"), "nobody could continue it: it does not stop",
           alone.shown)
    alone.type("\x03")
    tap.ok(alone.status() == 130, "Ctrl-C ends it, as a signal", alone.shown)
    print(f"1..{tap.n}")
    return tap.failed != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
