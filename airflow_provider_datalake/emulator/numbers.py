"""Whole numbers as they come from outside: from addresses, documents and the command line."""

from __future__ import annotations

import re

# What SQLite, Arrow and the service's own documents can hold.
LARGEST = 2**63 - 1
_DIGITS = re.compile(r"[0-9]{1,19}")


def whole_number(text: str, *, least: int = 0, most: int = LARGEST) -> int | None:
    """
    Read a number that has nothing but digits.

    :param text: the number as it came
    :param least: the smallest that will do, 0 or more
    :param most: the largest that will do
    :return: the number, None when the text is no number or lies outside
    """
    if not _DIGITS.fullmatch(text):
        return None
    number = int(text)
    return number if least <= number <= most else None
