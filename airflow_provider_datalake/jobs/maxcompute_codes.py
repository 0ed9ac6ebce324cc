"""The error codes of MaxCompute's jobs: which of them another try cannot mend."""

from __future__ import annotations

import re

# Prefixes. 0130 is the whole family of what the SQL compiler refuses: syntax (0130161), semantics (0130071),
# unknown tables (0130131) and partitions (0130191), permissions (0130013), types. Errors met while a query
# runs (0121, 0123) depend on the data, which somebody may have mended by the next try; 0010 is the service's
# own trouble.
_WRONG_REQUEST = ("ODPS-0130", "ODPS-0420061", "ODPS-0420095")

_CODE = re.compile(r"ODPS-\d{7}")


def code_of(message: str) -> str:
    """
    Find the error code in what a failed job says.

    :param message: the task's result text, e.g. ``ODPS-0130131:[1,15] Table not found - ...``
    :return: the first code in it, empty when there is none
    """
    found = _CODE.search(message)
    return found.group() if found else ""


def is_retryable(code: str) -> bool:
    """
    Tell whether the same job may succeed when it is run again.

    :param code: an error code, may be empty
    :return: False when the request itself is wrong
    """
    return not code.startswith(_WRONG_REQUEST)
