"""Files of the worker itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

_LOCAL = ("file", "local", "")


def is_local(path: ObjectStoragePath) -> bool:
    """
    Tell whether a path is on this machine, where a rename is atomic.

    :param path: any path
    :return: whether it is
    """
    return path.protocol in _LOCAL
