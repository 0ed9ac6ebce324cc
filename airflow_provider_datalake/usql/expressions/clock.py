"""The moment that a script takes for now."""

from __future__ import annotations

import contextlib
import datetime
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_start: ContextVar[datetime.datetime | None] = ContextVar("job_start", default=None)


@contextlib.contextmanager
def frozen(moment: datetime.datetime | None = None) -> Iterator[None]:
    """
    Let time stand still while one script is compiled.

    :param moment: the moment, in UTC and without a zone; None for the present one
    """
    token = _start.set(moment or _present())
    try:
        yield
    finally:
        _start.reset(token)


def job_start() -> datetime.datetime:
    """
    Give the moment that ``DateTime.Now`` means.

    :return: in UTC, the service's zone, without a zone
    """
    return _start.get() or _present()


def _present() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
