"""The submitted text, its tokens and the positions in it that errors name."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_datalake.emulator.maxcompute.sql.errors import SqlError


@dataclass(frozen=True)
class Source:
    """
    The text of a job.

    :param text: everything that was submitted, SET statements included: positions count from its start
    """

    text: str

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(i + 1 for i, c in enumerate(self.text) if c == "\n")]

    def position(self, offset: int) -> tuple[int, int]:
        """
        Turn an offset into a position.

        :param offset: 0-based index into the text
        :return: 1-based line and column
        """
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def locate(self, node: exp.Expression | None) -> tuple[int, int]:
        """
        Find where a part of the query begins.

        :param node: a node of the query's tree
        :return: line and column of its first token, (0, 0) when it has none
        """
        starts = [n.meta["start"] for n in node.walk() if "start" in n.meta] if node is not None else []
        return self.position(min(starts)) if starts else (0, 0)

    def fail(self, error: SqlError, node: exp.Expression | None) -> SqlError:
        """
        Give an error the position of a node, unless it has one.

        :param error: the error to raise
        :param node: where it belongs
        :return: the same error
        """
        return error.at(*self.locate(node))
