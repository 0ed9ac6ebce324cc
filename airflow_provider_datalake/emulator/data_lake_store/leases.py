"""Who has a file open for writing."""

from __future__ import annotations

import threading
import time

SECONDS = 60.0
"""How long a writer may be silent before others may write, as in HDFS: one that died must not lock a file."""


class Leases:
    """The leases of all open files; they end with the process, as their clients' connections do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[int, tuple[str, float]] = {}

    def may_write(self, node_id: int, lease: str | None) -> bool:
        """
        Tell whether a writer may go on.

        :param node_id: the file
        :param lease: the writer's lease, None for one without
        :return: False while another lease is held
        """
        with self._lock:
            held = self._held.get(node_id)
            if held is not None and held[1] <= time.monotonic():
                del self._held[node_id]
                held = None
            return held is None or held[0] == lease

    def hold(self, node_id: int, lease: str | None) -> None:
        """
        Note that a writer goes on.

        :param node_id: the file
        :param lease: the writer's lease, None for one without
        """
        if lease is None:
            return
        with self._lock:
            self._held[node_id] = (lease, time.monotonic() + SECONDS)

    def release(self, node_id: int) -> None:
        """
        Note that a file is closed.

        :param node_id: the file
        """
        with self._lock:
            self._held.pop(node_id, None)
