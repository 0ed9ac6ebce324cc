"""What all tasks that move data have in common, whatever the service."""

from __future__ import annotations

import threading
from typing import Any

from airflow.sdk import BaseOperator


class TransferOperator(BaseOperator):
    """Move data; killing the task ends the transfer, and nothing half comes in sight."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._stop: threading.Event | None = None

    def on_kill(self) -> None:
        """End the transfer."""
        if self._stop is not None:
            # In a thread: the signal handler that calls this may have interrupted a holder of its lock.
            threading.Thread(target=self._stop.set, daemon=True).start()
