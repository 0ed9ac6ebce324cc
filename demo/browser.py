"""Find the Chromium that the browser tests use, or install Debian's where this is allowed."""

from __future__ import annotations

import os
import shutil
import sys

from demo.bootstrap import apt_install

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
HINT = "sudo apt-get install -y chromium fonts-dejavu-core && make test"


def find() -> str | None:
    """
    Find an installed Chromium.

    :return: its path, the one in the variable CHROMIUM first, or None
    """
    return next(filter(None, map(shutil.which, filter(None, (os.environ.get("CHROMIUM"), *NAMES)))), None)


def main() -> int:
    """
    Make sure that there is a Chromium, or say what is missing without one.

    :return: 0 always: the other tests can run
    """
    if find() is None and not (apt_install("chromium", "fonts-dejavu-core") and find()):
        print(
            "No Chromium here, and no right to install one: the browser tests (marker `browser`,"
            f" tests/system/test_ui.py) are left out. To run them: {HINT}",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
