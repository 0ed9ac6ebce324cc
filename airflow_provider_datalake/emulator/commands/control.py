"""Start an emulator in the background, wait for it, stop it, make it empty."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, NoReturn

from airflow_provider_datalake.emulator.data_dir import LOG, RESET_PATH, empty, finish_reset
from airflow_provider_datalake.emulator.run_file import RunFile, find_running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_datalake.emulator.run_file import Running

START_SECONDS = 60.0
_RESET_SECONDS = 60.0
_PAUSE = 0.02


class CommandError(Exception):
    """
    A command cannot do what it was asked to.

    :param message: for the person who asked
    :param code: the exit code
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


NOT_RUNNING = 3
"""Exit code where there is no emulator; the number that service scripts have for it."""


def detach(data_dir: Path, serve: Callable[[], int]) -> str:
    """
    Run an emulator in a process of its own, which outlives this one.

    :param data_dir: its data directory, which gets its log
    :param serve: runs it until its end, gives its exit code
    :return: what it said when it was ready
    :raises CommandError: when one runs there already, or it does not start
    """
    refuse_second(data_dir)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        log = os.open(data_dir / LOG, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise CommandError(f"cannot use the data directory {data_dir}: {error}") from error
    begin = os.lseek(log, 0, os.SEEK_END)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        _become_server(log, serve)
    try:
        _await_ready(data_dir, pid)
    except BaseException:
        _end(pid)
        raise
    finally:
        said = _since(log, begin)
        os.close(log)
        if sys.exc_info()[0] is not None:
            sys.stderr.write(said)
    return said


def _become_server(log: int, serve: Callable[[], int]) -> NoReturn:
    code = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        # Whoever waits for the end of a pipe that the caller had open must not wait for the server's.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        code = serve()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not further up the stack, which is the caller's.
        os._exit(code)


def _await_ready(data_dir: Path, pid: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        ended, _ = os.waitpid(pid, os.WNOHANG)
        if ended:
            raise CommandError(f"the emulator did not start; its log is {data_dir / LOG}")
        running = find_running(data_dir)
        if running is not None and running.pid == pid and running.address:
            return
        time.sleep(_PAUSE)
    raise CommandError(f"the emulator was not ready after {START_SECONDS:.0f} s; its log is {data_dir / LOG}")


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
    except (ChildProcessError, ProcessLookupError):
        # It has ended by itself.
        return


def _since(log: int, begin: int) -> str:
    size = os.fstat(log).st_size - begin
    return os.pread(log, max(size, 0), begin).decode(errors="replace")


def refuse_second(data_dir: Path) -> None:
    """
    Make sure that no emulator runs in a data directory.

    :param data_dir: the directory
    :raises CommandError: when one does
    """
    running = find_running(data_dir)
    if running is not None:
        where = f"at {running.address} " if running.address else ""
        raise CommandError(
            f"an emulator runs {where}in {data_dir} already (process {running.pid}); "
            "stop it first, or give this one another --data-dir"
        )


def end_with_stdin() -> None:
    """Let this process stop, as by SIGTERM, when standard input ends, however its other end was lost."""

    def wait() -> None:
        # Not by sys.stdin, whose lock the interpreter needs when it ends.
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="stdin", daemon=True).start()


def await_health(find_address: Callable[[], str | None], what: str, timeout: float) -> str:
    """
    Wait until an emulator answers.

    :param find_address: tells where it is, None as long as that is not known
    :param what: names it, for the message
    :param timeout: seconds
    :return: its address
    :raises CommandError: when it does not in time
    """
    deadline = time.monotonic() + timeout
    while True:
        address = find_address()
        if address is not None and is_healthy(address):
            return address
        if time.monotonic() >= deadline:
            raise CommandError(f"{what} does not answer after {timeout:g} s")
        time.sleep(_PAUSE)


def is_healthy(address: str) -> bool:
    """
    Ask an emulator whether it is well.

    :param address: its address
    :return: whether it answered so
    """
    try:
        with _opener().open(f"{address}/health", timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, ValueError):
        return False


def stop(data_dir: Path, timeout: float) -> Running:
    """
    Stop the emulator of a data directory, and wait for its end.

    :param data_dir: the directory
    :param timeout: seconds
    :return: the emulator that has ended
    :raises CommandError: when none runs there, or it does not end in time
    """
    running = find_running(data_dir)
    if running is None:
        raise CommandError(f"no emulator runs in {data_dir}", NOT_RUNNING)
    if not running.pid or not running.is_here:
        raise CommandError(
            f"the emulator in {data_dir} is process {running.pid} of another machine or container; "
            "stop it there"
        )
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while find_running(data_dir) == running:
        if time.monotonic() >= deadline:
            raise CommandError(f"the emulator (process {running.pid}) has not ended after {timeout:g} s")
        time.sleep(_PAUSE)
    return running


def reset_running(address: str, bearer_token: str) -> None:
    """
    Make a running emulator empty.

    :param address: its address
    :param bearer_token: its bearer token
    :raises CommandError: when it does not do so
    """
    request = urllib.request.Request(
        f"{address}{RESET_PATH}", method="POST", headers={"Authorization": f"Bearer {bearer_token}"}
    )
    try:
        with _opener().open(request, timeout=_RESET_SECONDS):
            return
    except urllib.error.HTTPError as error:
        with error:
            said = error.read().decode(errors="replace")
        raise CommandError(f"{address} did not reset: {error.code} {said}") from None
    except OSError as error:
        raise CommandError(f"cannot reach the emulator at {address}: {error}") from None


def reset_offline(data_dir: Path) -> None:
    """
    Empty the data directory of an emulator that does not run.

    :param data_dir: the directory
    :raises CommandError: when it cannot be emptied
    """
    if not data_dir.is_dir():
        raise CommandError(f"there is no data directory {data_dir}", NOT_RUNNING)
    try:
        run_file = RunFile(data_dir)
        try:
            empty(data_dir)
            finish_reset(data_dir)
        finally:
            run_file.release()
    except (OSError, RuntimeError) as error:
        raise CommandError(f"cannot empty the data directory {data_dir}: {error}") from error


def _opener() -> urllib.request.OpenerDirector:
    # Never by a proxy: the emulator is near.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
