"""
Run one command so that nothing of it outlives whoever started it.

Started as ``python guard.py GRACE COMMAND...`` with a pipe as stdin. The guard adopts every orphan of the
command (it is their child subreaper), so a worker that is killed cannot leave a task process behind. It stops
the command when a byte arrives on the pipe or the pipe is closed, as the kernel does for a parent that was
killed: TERM to the command's process group, then KILL to what is left after GRACE seconds or when another
byte arrives. Standard library only: it runs beside every process of the stack and has to stay small.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
LAST_WORDS = 1.0
"""Seconds for what is left of a command that has ended itself."""
STOP = b"s"
KILL_NOW = b"k"


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def descendants(root: int) -> list[int]:
    """
    List all living processes below one process.

    :param root: the process id to start from, itself not listed
    :return: process ids, parents before their children
    """
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it ended while we were looking
            # The name in parentheses may hold blanks and parentheses itself.
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(entry.name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def reap(child: subprocess.Popen[bytes]) -> None:
    """
    Collect ended descendants, so that none stays as a zombie.

    :param child: the guarded command, whose exit code is kept
    """
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == child.pid:
                child.wait()
            else:
                os.waitpid(ended.si_pid, 0)


def kill_all(child: subprocess.Popen[bytes]) -> None:
    """
    Kill every descendant, again and again until none is left.

    :param child: the guarded command
    """
    while remaining := descendants(os.getpid()):
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        reap(child)
        time.sleep(0.02)
    child.wait()
    reap(child)


def stop(child: subprocess.Popen[bytes], grace: float) -> None:
    """
    Ask the command to end, and wait until it has or a byte on stdin says that it takes too long.

    :param child: the guarded command
    :param grace: seconds to wait
    """
    deadline = time.monotonic() + grace
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    watched = [sys.stdin.fileno()]
    while descendants(os.getpid()) and time.monotonic() < deadline:
        if select.select(watched, [], [], 0.05)[0]:
            if os.read(watched[0], 1):
                return
            watched = []  # the parent is gone; the grace stays the same
        if child.returncode is None:
            reap(child)
            if child.returncode is not None:  # what it leaves behind got the same signal, or never will
                deadline = min(deadline, time.monotonic() + LAST_WORDS)


def main(grace: float, command: list[str]) -> int:
    """
    Run the command until it ends or the pipe on stdin says stop.

    :param grace: seconds between TERM and KILL
    :param command: the program and its arguments
    :return: the command's exit code
    """
    adopt_orphans()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    # Whoever wants the guard gone wants the command gone; the pipe is the way to say so.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    asked = False
    while child.returncode is None and not asked:
        asked = bool(select.select([sys.stdin.fileno()], [], [], 0.2)[0])
        reap(child)
    if asked and os.read(sys.stdin.fileno(), 1) != KILL_NOW:
        stop(child, grace)
    kill_all(child)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
