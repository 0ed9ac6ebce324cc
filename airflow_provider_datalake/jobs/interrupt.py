"""A flag that ends a wait, and that a signal handler may set."""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue


class Interrupt:
    """
    Wake a sleeping thread, from a signal handler if need be.

    ``threading.Event`` would deadlock when the handler runs while the interrupted thread holds the event's
    own lock; the put of a ``SimpleQueue`` is documented as reentrant.
    """

    def __init__(self) -> None:
        self._wakeups: SimpleQueue[None] = SimpleQueue()
        self._is_set = False

    @property
    def is_set(self) -> bool:
        """Whether somebody asked the wait to end."""
        return self._is_set

    def set(self) -> None:
        """End the wait under way, and all later ones."""
        self._is_set = True
        self._wakeups.put(None)

    def wait(self, seconds: float) -> bool:
        """
        Sleep.

        :param seconds: for how long
        :return: whether the sleep was cut short
        """
        if not self._is_set:
            with suppress(Empty):
                self._wakeups.get(timeout=max(0.0, seconds))
        return self._is_set
