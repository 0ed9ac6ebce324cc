"""The links of the README, which Sphinx does not read."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def links() -> list[str]:
    """Targets of the README's links within the project."""
    found = re.findall(r"\]\(([^)\s]+)\)", (ROOT / "README.md").read_text())
    return [target for target in found if "://" not in target]


def slug(heading: str) -> str:
    """The anchor that a code forge gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_files_that_the_readme_links_to_are_there() -> None:
    targets = links()
    assert "docs/index.md" in targets
    assert [target for target in targets if not (ROOT / target.partition("#")[0]).exists()] == []


def test_anchors_that_the_readme_links_to_are_there() -> None:
    missing = []
    for target in links():
        path, _, anchor = target.partition("#")
        page = ROOT / (path or "README.md")
        if anchor:
            headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
            if anchor not in map(slug, headings):
                missing.append(target)
    assert missing == []


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    listed = set(re.findall(r"\]\(([^)#\s]+\.md)\)", index))
    assert pages - {"index.md"} == listed
