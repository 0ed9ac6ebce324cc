"""Run the benchmarks: ``python -m benchmarks [NAME ...] [--keep]``."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from benchmarks.report import environment, show

NAMES = ("imports", "transfer", "memory", "waiting", "emulator", "store_transfer", "usql", "ml_studio")
KEPT = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def main() -> None:
    """Run the named benchmarks, or all of them, and print the tables."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(NAMES)}")
    parser.add_argument("--keep", action="store_true", help=f"write the tables to docs/{KEPT.name}")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"unknown benchmark {', '.join(sorted(unknown))}; known: {', '.join(NAMES)}")
    sections = []
    for name in arguments.names or NAMES:
        section = importlib.import_module(f"benchmarks.{name}").run()
        show(section)
        sections.append(section)
    if arguments.keep:
        text = "\n".join(section.markdown() for section in sections)
        KEPT.write_text(f"# Benchmarks\n\nRun by `make bench`. {environment()}\n\n{text}")


if __name__ == "__main__":
    main()
