"""Turning data into pages: the templates and how they write sizes, times and numbers."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    import jinja2

HERE = Path(__file__).parent
# The pages need nothing but their own style sheet, and tell nobody the address that they were opened with.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def page(template: str, status: int = 200, **data: Any) -> HTMLResponse:
    """
    Render a page.

    :param template: the template's file name
    :param status: HTTP status
    :param data: what the template shows
    :return: the page
    """
    return HTMLResponse(_environment().get_template(template).render(data), status, headers=_HEADERS)


@functools.cache
def _environment() -> jinja2.Environment:
    # Not at module level: the server's first answer shall not wait for it.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals["refresh"] = None
    environment.globals["section"] = ""
    environment.filters |= {
        "size": size,
        "moment": moment,
        "duration": duration,
        "thousands": thousands,
        "shorten": shorten,
    }
    return environment


def size(count: int) -> str:
    """
    Write a number of bytes.

    :param count: bytes
    :return: e.g. ``1.5 MB``
    """
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def moment(seconds: float | None) -> str:
    """
    Write a time.

    :param seconds: seconds since the epoch
    :return: e.g. ``2025-06-03 12:00:00 UTC``, empty for no time
    """
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(seconds: float | None) -> str:
    """
    Write a length of time.

    :param seconds: seconds
    :return: e.g. ``2 m 05 s``, empty for none
    """
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m" if hours else f"{minutes} m {rest:02d} s"


def thousands(number: int) -> str:
    """
    Write a count.

    :param number: the count
    :return: e.g. ``336,776``
    """
    return f"{number:,}"


def shorten(text: str, length: int) -> str:
    """
    Cut a text.

    :param text: the text
    :param length: how many characters may be shown
    :return: the text, or its beginning and an ellipsis
    """
    return text if len(text) <= length else text[:length] + "…"
