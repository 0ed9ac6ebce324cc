from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from airflow_provider_datalake.jobs.interrupt import Interrupt


def test_a_wait_that_nobody_ends_says_so() -> None:
    assert Interrupt().wait(0.01) is False


def test_a_set_before_the_wait_ends_it_at_once() -> None:
    interrupt = Interrupt()
    interrupt.set()
    started = time.monotonic()
    assert interrupt.wait(30)
    assert interrupt.wait(30)
    assert time.monotonic() - started < 5


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals need the main thread"
)
def test_a_signal_handler_ends_the_wait_of_the_thread_it_interrupts() -> None:
    interrupt = Interrupt()
    before = signal.signal(signal.SIGUSR1, lambda *_: interrupt.set())
    try:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        started = time.monotonic()
        assert interrupt.wait(30)
        assert time.monotonic() - started < 10
    finally:
        signal.signal(signal.SIGUSR1, before)
